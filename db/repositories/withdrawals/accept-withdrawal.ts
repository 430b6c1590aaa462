import { and, eq } from 'drizzle-orm';
import type { Database } from '../../client.ts';
import { appendAudit, type NewAuditRecord } from '../audit/audit-log.ts';
import { idempotencyKeys, outbox, withdrawalRequests } from '../../schema/index.ts';
import { isDuplicateKey, transact } from '../../transact.ts';
import { appendEvent } from './events.ts';
import type { WithdrawalRow } from './withdrawals.ts';

/** Who asked, under which key, for what. Hashes are SHA-256, hex. */
export interface IdempotencyClaim {
  ownerId: number;
  keyHash: string;
  bodyHash: string;
}

/** A withdrawal about to be accepted; what acceptance decides (status, times) is filled in here. */
export type NewWithdrawal = Pick<
  WithdrawalRow,
  'requestId' | 'ownerId' | 'correlationId' | 'network' | 'chainId' | 'currency' | 'tokenAddress' | 'decimals' | 'amount' | 'toAddress' | 'seal'
>;

export type EarlierAcceptance = { kind: 'repeat'; row: WithdrawalRow } | { kind: 'conflict' };
export type Acceptance = { kind: 'accepted'; row: WithdrawalRow } | EarlierAcceptance;

/** What a key was used for before: the withdrawal it made, a conflict when the body differs, or nothing. */
export async function findAcceptance(db: Database, claim: IdempotencyClaim): Promise<EarlierAcceptance | undefined> {
  const [earlier] = await db
    .select({ bodyHash: idempotencyKeys.bodyHash, row: withdrawalRequests })
    .from(idempotencyKeys)
    .innerJoin(withdrawalRequests, eq(withdrawalRequests.requestId, idempotencyKeys.requestId))
    .where(and(eq(idempotencyKeys.ownerId, claim.ownerId), eq(idempotencyKeys.keyHash, claim.keyHash)))
    .limit(1);
  if (!earlier) return undefined;
  return earlier.bodyHash === claim.bodyHash ? { kind: 'repeat', row: earlier.row } : { kind: 'conflict' };
}

/**
 * Accepts a withdrawal: key, request, promise to start its workflow and first event of its timeline, in one transaction.
 * The primary key of the idempotency row decides between any number of concurrent calls: one accepts, the others get
 * its withdrawal. What the audit log keeps of it stands or falls with it. After a crash, or an error whose commit is in doubt, the same call finds out which it was. Throws
 * what the database throws; nothing is written then, or all of it.
 */
export async function acceptWithdrawal(db: Database, claim: IdempotencyClaim, request: NewWithdrawal, audit: NewAuditRecord, now: Date): Promise<Acceptance> {
  const row: WithdrawalRow = {
    ...request,
    status: 'PENDING',
    walletAddress: null,
    cancelIntentAt: null,
    hasLivePayment: false,
    txHash: null,
    paidTxHash: null,
    paidLogIndex: null,
    errorCode: null,
    errorMessage: null,
    createdAt: now,
    updatedAt: now,
    completedAt: null,
  };
  try {
    await transact(db, async (tx) => {
      // First, so that a second call waits here and not after it has written anything.
      await tx.insert(idempotencyKeys).values({ ...claim, requestId: request.requestId, createdAt: now });
      await tx.insert(withdrawalRequests).values(row);
      await tx.insert(outbox).values({ requestId: request.requestId, createdAt: now });
      await appendEvent(tx, { requestId: request.requestId, type: 'accepted', status: 'PENDING' });
      await appendAudit(tx, audit);
    });
    return { kind: 'accepted', row };
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    const earlier = await findAcceptance(db, claim);
    if (!earlier) throw error;
    return earlier;
  }
}
