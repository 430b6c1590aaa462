import type { RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WITHDRAWAL_STATUSES, type WithdrawalStatus } from '../../../domain/status.ts';
import type { Address } from '../../../domain/address.ts';
import { loadRows } from '../../../scripts/load-rows/load.ts';
import { loadSettings } from '../../../scripts/sandbox/load-settings.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { attemptsByHash, holdersOf, pageQuery, paidByHash, searchWithdrawals, type WithdrawalSearch } from './search-withdrawals.ts';

const CHAIN_ID = 80_002;
const DAY_MS = 86_400_000;
const NOW = new Date('2026-11-24T12:00:00Z');

type Filters = Partial<Omit<WithdrawalSearch, 'chainId' | 'limit'>>;
interface Plan extends RowDataPacket {
  table: string;
  type: string;
  key: string | null;
  rows: number | string;
  Extra: string | null;
}

let database: TestDatabase;
let sample: { requestId: string; txHash: `0x${string}`; recipient: Address; signer: Address; nonce: number; ownerId: number; status: WithdrawalStatus; currency: string };
beforeAll(async () => {
  database = await createTestDatabase();
  await loadRows(database, { rows: 20_000, seed: 3, days: 30, until: NOW, settings: loadSettings('docker/settings/sandbox.json') });
  const attempt = await database.db.query.signedTransactions.findFirst({ where: (table, { gt }) => gt(table.id, 9_000), orderBy: (table, { asc }) => asc(table.id) });
  const row = await database.db.query.withdrawalRequests.findFirst({ where: (table, { eq }) => eq(table.requestId, attempt?.requestId ?? '') });
  if (!attempt || !row) throw new Error('nothing was loaded');
  sample = { requestId: row.requestId, txHash: attempt.txHash, recipient: row.toAddress as Address, signer: attempt.from as Address, nonce: attempt.nonce, ownerId: row.ownerId, status: row.status, currency: row.currency };
});
afterAll(() => database.close());

async function explain(query: { toSQL(): { sql: string; params: unknown[] } }) {
  const { sql, params } = query.toSQL();
  const [plan] = await database.pool.query<Plan[]>(`EXPLAIN ${sql}`, params);
  return plan.map((step) => ({ ...step, rows: Number(step.rows) }));
}

/** Along an index, from where it begins: no table is read as a whole, and none is sorted. */
function expectAlongIndex(plan: Plan[]): void {
  for (const { table, type, key, Extra } of plan) {
    expect({ table, key }).toEqual({ table, key: expect.any(String) });
    expect({ table, type }).toEqual({ table, type: expect.stringMatching(/^(const|eq_ref|ref|range|index_merge)$/) });
    expect({ table, Extra }).toEqual({ table, Extra: expect.not.stringMatching(/filesort|temporary/) });
  }
}

const from = new Date(NOW.getTime() - 3 * DAY_MS);
const to = new Date(NOW.getTime() - 2 * DAY_MS);
const after = { createdAt: from, requestId: 'tx-1795494000000-0123456789abcdef0123' };

const SEARCHES: [string, () => Filters, index?: string][] = [
  ['address', () => ({ recipient: sample.recipient }), 'withdrawal_requests_recipient'],
  ...WITHDRAWAL_STATUSES.map((status): [string, () => Filters, string] => [`status ${status}`, () => ({ status }), 'withdrawal_requests_state']),
  ['signer', () => ({ signer: sample.signer }), 'withdrawal_requests_wallet'],
  ['currency', () => ({ currency: 'USDC' }), 'withdrawal_requests_currency'],
  ['owner', () => ({ ownerId: sample.ownerId }), 'withdrawal_requests_owner'],
  ['from', () => ({ from }), 'withdrawal_requests_created'],
  ['to', () => ({ to }), 'withdrawal_requests_created'],
  ['from, to', () => ({ from, to }), 'withdrawal_requests_created'],
  ['a further page', () => ({ after }), 'withdrawal_requests_created'],
  ['address, a further page', () => ({ recipient: sample.recipient, after })],
  ['address, status', () => ({ recipient: sample.recipient, status: 'COMPLETED' })],
  ['address, currency, from', () => ({ recipient: sample.recipient, currency: 'USDC', from })],
  ['address, signer', () => ({ recipient: sample.recipient, signer: sample.signer })],
  ['signer, status COMPLETED', () => ({ signer: sample.signer, status: 'COMPLETED' })],
  ['signer, status FAILED', () => ({ signer: sample.signer, status: 'FAILED' }), 'withdrawal_requests_state'],
  ['signer, currency, from, to', () => ({ signer: sample.signer, currency: 'USDT', from, to })],
  ['status, currency', () => ({ status: 'FAILED', currency: 'POL' }), 'withdrawal_requests_state'],
  ['status, from, to, a further page', () => ({ status: 'CANCELLED', from, to: NOW, after })],
  ['owner, status, currency', () => ({ ownerId: sample.ownerId, status: 'COMPLETED', currency: 'USDC' })],
  ['everything but names', () => ({ recipient: sample.recipient, status: 'COMPLETED', signer: sample.signer, currency: 'USDC', ownerId: sample.ownerId, from, to: NOW, after })],
];

describe('a search runs along an index', () => {
  it.each(SEARCHES)('by %s', async (_name, filters, index) => {
    const plan = await explain(pageQuery(database.db, { chainId: CHAIN_ID, limit: 50, ...filters() }, null));
    expectAlongIndex(plan);
    if (index !== undefined) expect(plan.map(({ key }) => key)).toEqual([index]);
  });

  it.each<[string, () => Filters]>([
    ['signer and status', () => ({ status: 'FAILED', signer: sample.signer })],
    ['signer and currency', () => ({ signer: sample.signer, currency: 'USDC' })],
    ['status and currency', () => ({ status: 'FAILED', currency: 'USDC' })],
    ['status, signer, currency and time', () => ({ status: 'FAILED', signer: sample.signer, currency: 'USDC', from, to })],
  ])('and reads no row that does not fit: %s', async (_name, filters) => {
    const plan = await explain(pageQuery(database.db, { chainId: CHAIN_ID, limit: 50, ...filters() }, null));
    expect(plan).toMatchObject([{ Extra: expect.stringMatching(/Using index(?! condition)/) }]);
  });

  it('by nothing: backwards along the times, no further than the page', async () => {
    const [plan] = await explain(pageQuery(database.db, { chainId: CHAIN_ID, limit: 50 }, null));
    expect(plan).toMatchObject({ key: 'withdrawal_requests_created', rows: 51, Extra: expect.not.stringMatching(/filesort/) });
  });

  it.each<[string, () => { toSQL(): { sql: string; params: unknown[] } }, string[]]>([
    ['the hash of an attempt', () => attemptsByHash(database.db, CHAIN_ID, sample.txHash), ['signed_transactions_hash']],
    ['the hash that paid', () => paidByHash(database.db, CHAIN_ID, sample.txHash), ['withdrawal_requests_payment']],
    ['a nonce of a wallet', () => holdersOf(database.db, { chainId: CHAIN_ID, signer: sample.signer }, sample.nonce), ['nonce_reservations_nonce', 'PRIMARY']],
    ['a nonce of any wallet', () => holdersOf(database.db, { chainId: CHAIN_ID }, sample.nonce), ['nonce_reservations_nonce', 'PRIMARY']],
    ['what these name, with other filters', () => pageQuery(database.db, { chainId: CHAIN_ID, limit: 50, status: sample.status, currency: sample.currency }, [sample.requestId]), ['PRIMARY']],
  ])('by %s', async (_name, query, keys) => {
    const plan = await explain(query());
    for (const { key, type } of plan) expect([key, type]).toEqual([expect.toBeOneOf(keys), expect.stringMatching(/^(const|eq_ref|ref|range)$/)]);
    // Few wallets times one nonce each: never all of a wallet's.
    expect(Math.max(...plan.map(({ rows }) => rows))).toBeLessThan(10);
  });

  it('and finds the same by each name', async () => {
    for (const filters of [{ requestId: sample.requestId }, { txHash: sample.txHash }, { nonce: sample.nonce, signer: sample.signer }]) {
      const { found } = await searchWithdrawals(database.db, { chainId: CHAIN_ID, limit: 50, ...filters });
      expect(found.map(({ row }) => row.requestId)).toEqual([sample.requestId]);
    }
  });
});
