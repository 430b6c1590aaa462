import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { setHalt } from '../db/repositories/operations/halts.ts';
import { RECOVERY_HALT } from '../db/repositories/payments/books.ts';
import { listOpenAlerts } from '../db/repositories/operations/alerts.ts';
import { createLogger } from '../db/observability/logger.ts';
import { makeRequestId, workflowIdOf } from '../domain/request-id.ts';
import { ensureNamespace } from '../temporal-config/namespace.ts';
import { SEALED_PAYLOADS } from '../tests/harness/payloads.ts';
import { BODY, startTestApi, type TestApi } from './api.testkit.ts';
import { watchBooks, type WatchedBooks } from './books.ts';
import { openTemporal } from './temporal.ts';

const CACHED_MS = 1_100;
const WAIT = { timeout: 20_000, interval: 200 };

let api: TestApi;
let namespace: string;
let temporal: ReturnType<typeof openTemporal>;
beforeEach(async () => {
  namespace = `books-${randomBytes(6).toString('hex')}`;
  const address = inject('infrastructure').temporalAddress;
  await ensureNamespace({ address, namespace });
  temporal = openTemporal({ address, namespace, dataConverter: SEALED_PAYLOADS });
});
afterEach(async () => {
  await api.close();
  await temporal.close();
});

/** An API whose books are watched over the given Temporal. */
async function startWatched(over = temporal): Promise<WatchedBooks> {
  let books: WatchedBooks | null = null;
  api = await startTestApi({ books: { assertOpen: () => books?.assertOpen() ?? Promise.reject(new Error('not wired yet')) } });
  books = watchBooks({ database: api.database.db, temporal: over.client, chainId: api.settings.chain.chainId, logger: createLogger({ service: 'api-server', level: 'ERROR' }) });
  return books;
}

const refusal = async () => {
  const response = await api.post(BODY);
  return { status: response.statusCode, code: response.json<{ error?: { code: string } }>().error?.code };
};

/** A new namespace takes a moment to be known to every part of the server. */
const openUp = (books: WatchedBooks) =>
  expect
    .poll(async () => {
      await books.look();
      return (await api.post(BODY)).statusCode;
    }, WAIT)
    .toBe(202);

describe('accepting withdrawals', () => {
  it('begins with the first look at database and Temporal, and goes on when Temporal goes away later', async () => {
    const address = inject('infrastructure').temporalAddress;
    const away = openTemporal({ address: '127.0.0.1:9', namespace, dataConverter: SEALED_PAYLOADS });
    const unknowing = await startWatched(away);
    await unknowing.look();
    expect(await refusal()).toEqual({ status: 503, code: 'SERVICE_UNAVAILABLE' });
    expect(await api.countWithdrawals()).toBe(0);
    await api.close();
    await away.close();

    const brief = openTemporal({ address, namespace, dataConverter: SEALED_PAYLOADS });
    const books = await startWatched(brief);
    await openUp(books);
    await brief.close();
    await books.look();
    expect((await api.post(BODY)).statusCode).toBe(202);
  });

  it('ends while a recovery is due, and reading does not', async () => {
    const books = await startWatched();
    await openUp(books);
    const { requestId } = (await api.post(BODY)).json<{ requestId: string }>();
    await setHalt(api.database.db, { ...RECOVERY_HALT, reason: 'test', setBy: 'test' });
    await sleep(CACHED_MS);
    expect(await refusal()).toEqual({ status: 503, code: 'BOOKS_BEHIND' });
    expect((await api.get(`/withdrawals/${requestId}`)).statusCode).toBe(200);
    const ready = await api.app.inject('/ready');
    expect(ready.statusCode).toBe(200);
    expect(ready.json()).toMatchObject({ status: 'degraded', dependencies: { database: { status: 'up' }, books: { status: 'down', detail: 'BOOKS_BEHIND' } } });
  });

  it('ends when a workflow is seen whose row is missing, and when rows that were seen go away', async () => {
    const books = await startWatched();
    await openUp(books);
    const requestId = makeRequestId(Date.now(), randomBytes(10));
    await temporal.client.workflow.start('withdrawal', { workflowId: workflowIdOf(requestId), taskQueue: 'nobody', args: [] });
    await expect
      .poll(async () => {
        await books.look();
        return (await listOpenAlerts(api.database.db)).map(({ kind }) => kind);
      }, WAIT)
      .toEqual(['BOOKS_BEHIND']);
    await sleep(CACHED_MS);
    expect(await refusal()).toEqual({ status: 503, code: 'BOOKS_BEHIND' });
  });
});
