import { and, eq, gt, inArray, lte } from 'drizzle-orm';
import { EngineError } from '../../domain/errors.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Database, Queryable, Transaction } from '../client.ts';
import { policies } from '../schema/index.ts';
import { LIVE } from '../schema/policies.ts';
import { isDuplicateKey } from '../transact.ts';

export type PolicyRow = typeof policies.$inferSelect;

/** The version in force, if there is one. */
export async function findLivePolicy(queryable: Queryable): Promise<PolicyRow | undefined> {
  const [row] = await queryable.select().from(policies).where(eq(policies.liveKey, LIVE));
  return row;
}

/**
 * The version in force, its row held until the transaction ends: who counts against a limit does so one at a time, and no
 * other version comes into force meanwhile. Taken after the withdrawal's row and before the wallet's. Throws `POLICY_MISSING`.
 */
export async function lockLivePolicy(tx: Transaction): Promise<PolicyRow> {
  const [row] = await tx.select().from(policies).where(eq(policies.liveKey, LIVE)).for('update');
  if (!row) throw new EngineError('POLICY_MISSING');
  return row;
}

/**
 * A version that was in force at `since` or later; undefined for one that was replaced before, or never was. What a
 * withdrawal was judged by has to be one of these since it was accepted.
 */
export async function findPolicyInForceSince(queryable: Queryable, version: number, since: Date): Promise<PolicyRow | undefined> {
  const wasLive = inArray(policies.status, ['LIVE', 'RETIRED']);
  const [row] = await queryable.select().from(policies).where(and(eq(policies.version, version), wasLive));
  if (!row?.decidedAt) return undefined;
  const replacedBefore = await queryable.$count(policies, and(wasLive, gt(policies.decidedAt, row.decidedAt), lte(policies.decidedAt, since)));
  return replacedBefore === 0 ? row : undefined;
}

/** Puts the first version into force, where there never was one. Called twice, or at once by two: one row. */
export async function ensureFirstPolicy(db: Database, document: Policy): Promise<void> {
  if ((await db.$count(policies)) > 0) return;
  const now = new Date();
  try {
    await db.insert(policies).values({ status: 'LIVE', liveKey: LIVE, document, reason: 'the first version, from the settings file', proposedAt: now, decidedAt: now });
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
}
