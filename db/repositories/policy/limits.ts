import { and, eq, gt, inArray, isNull, sql, type SQL } from 'drizzle-orm';
import type { Usage } from '../../../domain/policy.ts';
import type { Queryable, Transaction } from '../../client.ts';
import { exactSum, exactUnits } from '../../schema/columns.ts';
import { limitBuckets, policyDecisions } from '../../schema/index.ts';
import { EVERYONE } from '../../schema/limit-buckets.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The grain in which withdrawals are counted. A slice that is partly in a window counts whole: a limit is never passed, at most met early. */
export const BUCKET_MS = 5 * 60_000;

export interface Countable {
  chainId: number;
  ownerId: number;
  currency: string;
  /** base units */
  amount: bigint;
}

/** The start of the slice an instant falls in. */
export function bucketOf(at: Date): Date {
  return new Date(at.getTime() - (at.getTime() % BUCKET_MS));
}

const total = (condition: SQL) => exactSum(sql`CASE WHEN ${condition} THEN ${limitBuckets.amount} ELSE 0 END`);

/** What was counted for the owner, and for everyone, in the last hour and day. Exact only while the live policy's row is held. */
export async function readUsage(queryable: Queryable, { chainId, ownerId, currency }: Omit<Countable, 'amount'>, now: Date): Promise<Record<'client' | 'everyone', Usage>> {
  const since = (windowMs: number) => new Date(now.getTime() - windowMs - BUCKET_MS);
  const inHour = sql`${limitBuckets.bucketStart} > ${since(HOUR_MS)}`;
  const isCurrency = sql`${limitBuckets.currency} = ${currency}`;
  const rows = await queryable
    .select({
      ownerId: limitBuckets.ownerId,
      hourTotal: total(sql`${isCurrency} AND ${inHour}`),
      dayTotal: total(isCurrency),
      hourCount: sql<string>`SUM(CASE WHEN ${inHour} THEN ${limitBuckets.withdrawals} ELSE 0 END)`,
      dayCount: sql<string>`SUM(${limitBuckets.withdrawals})`,
    })
    .from(limitBuckets)
    .where(and(eq(limitBuckets.chainId, chainId), inArray(limitBuckets.ownerId, [EVERYONE, ownerId]), gt(limitBuckets.bucketStart, since(DAY_MS))))
    .groupBy(limitBuckets.ownerId);
  const usageOf = (id: number): Usage => {
    const row = rows.find((candidate) => candidate.ownerId === id);
    return { hourTotal: BigInt(row?.hourTotal ?? 0), dayTotal: BigInt(row?.dayTotal ?? 0), hourCount: Number(row?.hourCount ?? 0), dayCount: Number(row?.dayCount ?? 0) };
  };
  return { client: usageOf(ownerId), everyone: usageOf(EVERYONE) };
}

/** Counts a withdrawal, for its owner and for everyone. Not idempotent: called in the transaction that writes its decision, which happens once. */
export async function takeLimits(tx: Transaction, { chainId, ownerId, currency, amount }: Countable, bucketStart: Date): Promise<void> {
  await tx
    .insert(limitBuckets)
    .values([EVERYONE, ownerId].map((owner) => ({ chainId, ownerId: owner, bucketStart, currency, amount, withdrawals: 1 })))
    .onDuplicateKeyUpdate({ set: { amount: sql`${limitBuckets.amount} + ${exactUnits(amount)}`, withdrawals: sql`${limitBuckets.withdrawals} + 1` } });
}

/**
 * Gives back what a withdrawal took of the limits, because it was not paid and never will be. Called twice: the decision
 * says that it was given back, and nothing is given back again.
 * @returns false when it had taken nothing, or had given it back before
 */
export async function returnLimits(tx: Transaction, requestId: string): Promise<boolean> {
  const [marked] = await tx.update(policyDecisions).set({ limitsReturnedAt: new Date() }).where(and(eq(policyDecisions.requestId, requestId), isNull(policyDecisions.limitsReturnedAt)));
  if (marked.affectedRows === 0) return false;
  const [taken] = await tx.select().from(policyDecisions).where(eq(policyDecisions.requestId, requestId));
  if (!taken) return false;
  for (const owner of [EVERYONE, taken.ownerId]) {
    await tx
      .update(limitBuckets)
      .set({ amount: sql`${limitBuckets.amount} - ${exactUnits(taken.amount)}`, withdrawals: sql`${limitBuckets.withdrawals} - 1` })
      .where(and(eq(limitBuckets.chainId, taken.chainId), eq(limitBuckets.ownerId, owner), eq(limitBuckets.bucketStart, taken.limitBucket), eq(limitBuckets.currency, taken.currency)));
  }
  return true;
}
