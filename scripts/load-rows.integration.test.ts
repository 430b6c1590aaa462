import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checksumsOf } from '../tests/harness/backup.ts';
import { createTestDatabase, type TestDatabase } from '../tests/harness/database.ts';
import { loadRows } from './load-rows/load.ts';
import { loadSettings } from './sandbox/load-settings.ts';
import { PROJECT_ROOT } from './stack/paths.ts';

const NOBODY_LISTENS = 'mysql://nobody@127.0.0.1:1/none';
const ROWS = 20_000;

async function run(databaseUrl: string | null, ...args: string[]): Promise<{ code: number | null; output: string }> {
  const { DATABASE_URL: _, ...env } = process.env;
  const child = spawn(process.execPath, [join(PROJECT_ROOT, 'scripts/load-rows.ts'), ...args], { cwd: PROJECT_ROOT, env: { ...env, ...(databaseUrl !== null && { DATABASE_URL: databaseUrl }) } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output };
}

describe('npm run load-rows', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase({ migrated: false });
  });
  afterAll(() => database.close());

  it('fills an empty database, asks everything through the API, and says how long the answers took', async () => {
    const { code, output } = await run(database.url, '--rows', String(ROWS), '--measure', '--times', '5');
    expect(output).toContain(`${ROWS} withdrawals with all that belongs to them are there`);
    const lines = [...output.matchAll(/^(.+?) +(\d+) +([\d.]+) +([\d.]+) +([\d.]+)$/gm)].map(([, name, items, p50, p95]) => ({ name, items: Number(items), p50Ms: Number(p50), p95Ms: Number(p95) }));
    const itemsOf = Object.fromEntries(lines.map(({ name, items }) => [name, items]));
    expect(itemsOf).toMatchObject({ 'no filter': 50, requestId: 1, txHash: 1, 'nonce + signer': 1, currency: 50, 'status COMPLETED': 50, 'statistics of 24 hours': 1, 'statistics of 31 days': 1, queues: 0 });
    // The machine may be busy: what it did is what it says.
    expect([code, output]).toEqual([lines.every(({ p95Ms }) => p95Ms < 200) ? 0 : 1, output]);
    for (const { name, p50Ms } of lines) expect([name, p50Ms < 200]).toEqual([name, true]);
  });

  it('refuses a database that is not empty, unless told', async () => {
    expect(await run(database.url, '--rows', '10', '--seed', '2')).toEqual({ code: 1, output: expect.stringContaining('has withdrawals already') });
    expect(await run(database.url, '--rows', '10', '--seed', '2', '--yes')).toMatchObject({ code: 0 });
  });

  it.each<[string, string | null, string[], number]>([
    ['--help', null, ['--help'], 0],
    ['no database', null, [], 2],
    ['unknown options', NOBODY_LISTENS, ['--row', '1'], 2],
    ['rows that are no number', NOBODY_LISTENS, ['--rows', '1e6'], 2],
    ['a database that is away', NOBODY_LISTENS, [], 3],
  ])('ends as it says: %s', async (_name, url, args, expected) => {
    expect((await run(url, ...args)).code).toBe(expected);
  });
});

describe('loadRows', () => {
  it('makes the same rows from the same seed, and others from another', async () => {
    const until = new Date('2026-11-24T12:00:00Z');
    const settings = loadSettings('docker/settings/sandbox.json');
    const contentOf = async (seed: number) => {
      const database = await createTestDatabase();
      try {
        await loadRows(database, { rows: 500, seed, days: 2, until, settings });
        const checksums = await checksumsOf(database);
        return { withdrawals: checksums['withdrawal_requests'], nonces: checksums['nonce_reservations'], transactions: checksums['transactions'], users: checksums['users'] };
      } finally {
        await database.close();
      }
    };
    const [first, again, other] = [await contentOf(1), await contentOf(1), await contentOf(2)];
    expect(again).toEqual(first);
    for (const [table, checksum] of Object.entries(other)) expect([table, checksum === first[table as keyof typeof first]]).toEqual([table, false]);
  });
});
