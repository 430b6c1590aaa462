import { eq } from 'drizzle-orm';
import { EngineError } from '../../domain/errors.ts';
import { parsePolicy, type Policy } from '../../domain/policy.ts';
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
 * The rules of a version. One that this engine cannot read (it was written for another version of it) is no policy at all:
 * `POLICY_MISSING`, so that withdrawals wait for one and do not fail.
 */
export function rulesOf({ version, document }: Pick<PolicyRow, 'version' | 'document'>): Policy {
  try {
    return parsePolicy(document);
  } catch (error) {
    throw new EngineError('POLICY_MISSING', { version: String(version), reason: 'unreadable' }, { cause: error });
  }
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
