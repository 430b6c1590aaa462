import { eq } from 'drizzle-orm';
import { signedTransactions, withdrawalEvents, withdrawalRequests } from '../db/schema/index.ts';
import type { WithdrawalStatus } from '../domain/status.ts';
import { BODY, RECIPIENT, WALLET, type TestApi } from './api.testkit.ts';

export const TX_HASH = `0x${'ab'.repeat(32)}` as const;

/** Accepts a withdrawal of `user` and returns its id. */
export async function acceptOne(api: TestApi, body: Partial<typeof BODY> = {}): Promise<string> {
  return (await api.post({ ...BODY, ...body })).json<{ requestId: string }>().requestId;
}

/** Sets columns as a worker would have. */
export async function setWithdrawal(api: TestApi, requestId: string, changes: Partial<typeof withdrawalRequests.$inferInsert>): Promise<void> {
  await api.database.db.update(withdrawalRequests).set(changes).where(eq(withdrawalRequests.requestId, requestId));
}

export async function addEvent(api: TestApi, requestId: string, type: string, status: WithdrawalStatus | null = null): Promise<void> {
  await api.database.db.insert(withdrawalEvents).values({ requestId, type, status, detail: { nonce: 7 }, createdAt: new Date() });
}

/** A signed and broadcasted paying attempt on nonce 7. */
export async function addAttempt(api: TestApi, requestId: string): Promise<void> {
  await api.database.db.insert(signedTransactions).values({
    requestId,
    reservationId: 1,
    ordinal: 0,
    purpose: 'PAY',
    txHash: TX_HASH,
    rawTransaction: '0x02',
    chainId: 80002,
    nonce: 7,
    from: WALLET,
    to: RECIPIENT,
    value: 0n,
    gasLimit: 84_500n,
    maxFeePerGas: 60_000_000_000n,
    maxPriorityFeePerGas: 25_000_000_000n,
    status: 'BROADCASTED',
    signedAt: new Date('2026-11-24T04:20:01.020Z'),
    broadcastedAt: new Date('2026-11-24T04:20:01.093Z'),
  });
}
