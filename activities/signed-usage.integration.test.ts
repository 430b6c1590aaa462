import { randomBytes } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { policyDecisions, signedTransactions, withdrawalRequests } from '../db/schema/index.ts';
import { sealRequest } from '../domain/seal.ts';
import { createTestDatabase, type TestDatabase } from '../tests/harness/database.ts';
import { createSignedUsage, type Spending } from './signed-usage.ts';

const CHAIN_ID = 80_002;
const HOUR_MS = 3_600_000;
const TO = '0x52908400098527886E0F7030069857D2E4169EE7' as const;
const NOW = new Date();

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  for (const table of [signedTransactions, policyDecisions, withdrawalRequests]) await database.db.delete(table);
});

let reservations = 0;
const hoursAgo = (hours: number): Date => new Date(NOW.getTime() - hours * HOUR_MS);
const usage = () => createSignedUsage({ db: database.db, sealKey: database.sealKey, chainId: CHAIN_ID, now: () => NOW });

interface Signed {
  ownerId?: number;
  currency?: string;
  amount?: bigint;
  decidedAt?: Date;
  attemptId?: number;
  ruleId?: string;
}
/** Withdrawals as they stand once they were signed. */
async function sign(...payments: Signed[]): Promise<Spending[]> {
  const spendings = payments.map(({ ownerId = 1, currency = 'USDC', amount = 1n, decidedAt = NOW, ruleId = 'rest' }) => ({ requestId: `tx-${decidedAt.getTime()}-${randomBytes(10).toString('hex')}`, ownerId, currency, decimals: 6, amount, decidedAtMs: decidedAt.getTime(), policyVersion: 1, ruleId }));
  const requests = spendings.map(({ requestId, ownerId, currency, decimals, amount, decidedAtMs }) => {
    const sealed = { requestId, ownerId, chainId: CHAIN_ID, currency, decimals, tokenAddress: null, toAddress: TO, amount };
    const at = new Date(decidedAtMs);
    return { ...sealed, correlationId: requestId, network: 'polygon-amoy', status: 'COMPLETED' as const, seal: sealRequest(database.sealKey, sealed), createdAt: at, updatedAt: at };
  });
  await database.db.insert(withdrawalRequests).values(requests);
  await database.db.insert(policyDecisions).values(spendings.map(({ requestId, ownerId, currency, amount, decidedAtMs, ruleId }) => ({ requestId, policyVersion: 1, ruleId, ownerId, chainId: CHAIN_ID, currency, amount, limitBucket: NOW, approvalsRequired: 0, decidedAt: new Date(decidedAtMs) })));
  await database.db.insert(signedTransactions).values(
    spendings.map(({ requestId }, index) => {
      reservations += 1;
      const id = payments[index]?.attemptId;
      return { ...(id !== undefined && { id }), requestId, reservationId: reservations, ordinal: 0, purpose: 'PAY' as const, txHash: `0x${randomBytes(32).toString('hex')}` as const, rawTransaction: '0x', chainId: CHAIN_ID, nonce: reservations, from: TO, to: TO, value: 0n, gasLimit: 1n, maxFeePerGas: 1n, maxPriorityFeePerGas: 1n, status: 'CONFIRMED' as const, signedAt: NOW };
    }),
  );
  return spendings;
}
const asked: Spending = { requestId: 'tx-asked', ownerId: 1, currency: 'USDC', decimals: 6, amount: 1n, decidedAtMs: NOW.getTime(), policyVersion: 1, ruleId: 'rest' };

describe('what was signed', () => {
  it('is counted for its owner and for everyone, by the hour and the day it was decided in', async () => {
    await sign({ amount: 1n }, { amount: 2n, decidedAt: hoursAgo(0.9) }, { amount: 4n, decidedAt: hoursAgo(2) }, { amount: 8n, decidedAt: hoursAgo(25) }, { amount: 16n, ownerId: 2 }, { amount: 32n, currency: 'POL' });
    const counted = usage();
    await counted.catchUp();
    expect(counted.before(asked)).toEqual({
      client: { hourTotal: 3n, dayTotal: 7n, hourCount: 3, dayCount: 4 },
      everyone: { hourTotal: 19n, dayTotal: 23n, hourCount: 4, dayCount: 5 },
    });
    // As it was an hour ago; what fell exactly on the edge of a window is out of it.
    expect(counted.before({ ...asked, decidedAtMs: hoursAgo(1).getTime() }).client).toEqual({ hourTotal: 0n, dayTotal: 4n, hourCount: 0, dayCount: 1 });
  });

  it('is counted without the one that is asked about, and with one more where it is told so', async () => {
    const [first, second] = (await sign({ amount: 1n, decidedAt: hoursAgo(0.5) }, { amount: 2n })) as [Spending, Spending];
    const counted = usage();
    await counted.catchUp();
    expect(counted.before(second).client).toMatchObject({ dayTotal: 1n, dayCount: 1 });
    expect(counted.before(first).client).toMatchObject({ dayTotal: 0n, dayCount: 0 });
    expect(counted.before(second, { ...asked, requestId: 'tx-more', amount: 4n, decidedAtMs: first.decidedAtMs }).client).toMatchObject({ dayTotal: 5n, dayCount: 2 });
    expect(counted.laterThan(first)).toEqual([second]);
    expect(counted.laterThan(second)).toEqual([]);
  });

  it('is not counted where another rule decided within the same second: nobody knows which came first', async () => {
    const earlier = (ms: number) => new Date(NOW.getTime() - ms);
    await sign({ amount: 1n, decidedAt: earlier(500), ruleId: 'much' }, { amount: 2n, decidedAt: earlier(1_500), ruleId: 'much' }, { amount: 4n, decidedAt: earlier(500) });
    const counted = usage();
    await counted.catchUp();
    expect(counted.before(asked).client).toMatchObject({ dayTotal: 6n, dayCount: 2 });
  });

  it('is read on from where it was read to, also what was committed late, and once for two nonces of a withdrawal', async () => {
    await sign({ amount: 1n, attemptId: 500_000 });
    const counted = usage();
    await counted.catchUp();
    const [late] = await sign({ amount: 2n, attemptId: 499_990 }, { amount: 4n, attemptId: 500_007 });
    await database.db.insert(signedTransactions).values({ ...(await database.db.query.signedTransactions.findFirst({ where: eq(signedTransactions.requestId, late?.requestId ?? '') })), id: 500_050, reservationId: 9_999_999, txHash: `0x${randomBytes(32).toString('hex')}` } as typeof signedTransactions.$inferInsert);
    await counted.catchUp();
    expect(counted.before(asked).client).toMatchObject({ dayTotal: 7n, dayCount: 3 });
    await counted.catchUp();
    expect(counted.before(asked).client).toMatchObject({ dayTotal: 7n, dayCount: 3 });
  });

  it('is counted no more once it has ended unpaid, and not counted anew', async () => {
    const [first] = await sign({ amount: 1n }, { amount: 2n });
    const counted = usage();
    await counted.catchUp();
    await database.db.update(withdrawalRequests).set({ status: 'CANCELLED' }).where(eq(withdrawalRequests.requestId, first?.requestId ?? ''));
    expect(counted.before(asked).client.dayTotal).toBe(3n);
    await counted.forgetUnpaid();
    await counted.catchUp();
    expect(counted.before(asked).client.dayTotal).toBe(2n);
    const anew = usage();
    await anew.catchUp();
    expect(anew.before(asked).client.dayTotal).toBe(2n);
  });

  it('is all there, in pages, however many ask at once', async () => {
    for (let batch = 0; batch < 5; batch += 1) await sign(...Array.from({ length: 1_000 }, (_, index) => ({ amount: 1n, ownerId: 1 + (index % 2), decidedAt: hoursAgo(index % 20) })));
    const counted = usage();
    await Promise.all(Array.from({ length: 10 }, () => counted.catchUp()));
    expect(counted.before(asked)).toMatchObject({ client: { dayTotal: 2_500n }, everyone: { dayCount: 5_000 } });
  });

  it('is refused whole where one of it was changed, and read again once that was put right', async () => {
    const [spoiled] = await sign({ amount: 1n }, { amount: 2n });
    const change = (amount: bigint) => database.db.update(withdrawalRequests).set({ amount }).where(eq(withdrawalRequests.requestId, spoiled?.requestId ?? ''));
    await change(0n);
    const counted = usage();
    await expect(counted.catchUp()).rejects.toMatchObject({ code: 'SEAL_BROKEN', parameters: { requestId: spoiled?.requestId } });
    await change(1n);
    await counted.catchUp();
    expect(counted.before(asked).client.dayTotal).toBe(3n);
  });
});
