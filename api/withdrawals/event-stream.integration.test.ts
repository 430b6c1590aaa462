import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openDatabase, type DatabaseHandle } from '../../db/client.ts';
import { newWithdrawal } from '../../db/repositories/repositories.testkit.ts';
import { withdrawalEvents, withdrawalRequests } from '../../db/schema/index.ts';
import { eq } from 'drizzle-orm';
import { createTestDatabase, type TestDatabase } from '../../tests/harness/database.ts';
import { startTcpProxy, type TcpProxy } from '../../tests/harness/tcp-proxy.ts';
import { eventStream } from './event-stream.ts';

const WAIT = { timeout: 20_000, interval: 20 };

let database: TestDatabase;
let proxy: TcpProxy;
/** the stream's way to the database */
let reader: DatabaseHandle;
beforeAll(async () => {
  database = await createTestDatabase();
  const url = new URL(database.url);
  proxy = await startTcpProxy(Number(url.port));
  url.port = String(proxy.port);
  reader = openDatabase(url.href, { connectionsMax: 1 });
});
afterAll(async () => {
  await reader.close();
  await proxy.stop();
  await database.close();
});

type Writer = Pick<DatabaseHandle['db'], 'insert'>;
const write = async (requestId: string, type: string, writer: Writer = database.db) => (await writer.insert(withdrawalEvents).values({ requestId, type, detail: {}, createdAt: new Date() }))[0].insertId;
const end = (requestId: string) => database.db.update(withdrawalRequests).set({ status: 'FAILED' }).where(eq(withdrawalRequests.requestId, requestId));

/** Reads a stream to its end beside the test. */
function follow(requestId: string, options: { afterId?: number; durationMs?: number } = {}) {
  const stopping = new AbortController();
  const text: string[] = [];
  const types = () => text.flatMap((part) => /^data: (.+)$/m.exec(part)?.[1] ?? []).map((data) => (JSON.parse(data) as { type: string }).type);
  const ended = (async () => {
    for await (const part of eventStream(reader.db, { requestId, afterId: 0, durationMs: 60_000, signal: stopping.signal, ...options })) text.push(part);
  })();
  return { types, text, ended, stop: () => stopping.abort() };
}

describe('eventStream', () => {
  it('outlives a database that is away, and goes on where it was', async () => {
    const { requestId } = await newWithdrawal(database.db);
    const stream = follow(requestId);
    await vi.waitFor(() => expect(stream.types()).toEqual(['accepted']), WAIT);
    const before = proxy.connections();
    proxy.inject({ kind: 'cut' });
    await write(requestId, 'while away');
    // It has tried in vain.
    await vi.waitFor(() => expect(proxy.connections()).toBeGreaterThan(before + 1), WAIT);
    proxy.inject({ kind: 'pass' });
    await vi.waitFor(() => expect(stream.types()).toEqual(['accepted', 'while away']), WAIT);
    await end(requestId);
    await stream.ended;
  });

  it('skips no event that is committed after one with a higher id', async () => {
    const { requestId } = await newWithdrawal(database.db);
    const stream = follow(requestId);
    await vi.waitFor(() => expect(stream.types()).toEqual(['accepted']), WAIT);
    // A look is two queries: the status and the events.
    let queries = 0;
    reader.pool.pool.on('release', () => {
      queries += 1;
    });
    await database.db.transaction(async (slow) => {
      const lower = await write(requestId, 'lower', slow);
      await vi.waitFor(() => expect(queries).toBeGreaterThan(0), WAIT);
      await vi.waitFor(() => expect(queries % 2).toBe(0), WAIT);
      // Between two looks.
      const before = queries;
      expect(await write(requestId, 'higher')).toBeGreaterThan(lower);
      await vi.waitFor(() => expect(queries).toBe(before + 2), WAIT);
      // One whole look has seen the higher one alone.
    });
    await vi.waitFor(() => expect(stream.types()).toHaveLength(3), WAIT);
    expect(stream.types()).toEqual(['accepted', 'lower', 'higher']);
    await end(requestId);
    await stream.ended;
  });

  it('sends everything of a withdrawal that has ended, however much, and resumes anywhere in it', async () => {
    const { requestId } = await newWithdrawal(database.db, { status: 'FAILED' });
    const old = new Date(Date.now() - 60_000);
    const entries = Array.from({ length: 1_200 }, (_, index) => ({ requestId, type: `entry-${index}`, detail: {}, createdAt: old }));
    await database.db.insert(withdrawalEvents).values(entries);
    const whole = follow(requestId);
    await whole.ended;
    expect(whole.types()).toHaveLength(1_201);
    const ids = whole.text.flatMap((part) => /^id: (\d+)$/m.exec(part)?.[1] ?? []).map(Number);
    expect(ids).toEqual(ids.toSorted((left, right) => left - right));
    const rest = follow(requestId, { afterId: ids[1_150] ?? 0 });
    await rest.ended;
    expect(rest.types()).toEqual(whole.types().slice(1_151));
  });

  it('ends when it has lasted long enough, and when it is told to', async () => {
    const { requestId } = await newWithdrawal(database.db);
    const brief = follow(requestId, { durationMs: 1 });
    await brief.ended;
    const stopped = follow(requestId);
    await vi.waitFor(() => expect(stopped.types()).toEqual(['accepted']), WAIT);
    stopped.stop();
    await stopped.ended;
  });
});
