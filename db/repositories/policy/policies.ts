import { and, desc, eq, isNull, lt } from 'drizzle-orm';
import { EngineError } from '../../../domain/errors.ts';
import { parsePolicy, type Policy } from '../../../domain/policy.ts';
import { policySealHolds, sealPolicy } from '../../../domain/policy-seal.ts';
import type { Database, Queryable, Transaction } from '../../client.ts';
import { policies } from '../../schema/index.ts';
import { LIVE, type POLICY_STATUSES } from '../../schema/policies.ts';
import { isDuplicateKey, transact } from '../../transact.ts';

export type PolicyRow = typeof policies.$inferSelect;
export type PolicyStatus = (typeof POLICY_STATUSES)[number];

/** Proposals on one live version that nobody has decided: more are refused, so that nobody fills the table. */
const DRAFTS_MAX = 100;

/** The version in force, if there is one. */
export async function findLivePolicy(queryable: Queryable): Promise<PolicyRow | undefined> {
  const [row] = await queryable.select().from(policies).where(eq(policies.liveKey, LIVE));
  return row;
}

/**
 * The version in force, its row held until the transaction ends: who counts against a limit does so one at a time, and no
 * other version comes into force meanwhile. Rows are taken in the order withdrawal, live policy, wallet, everywhere. Throws
 * `POLICY_MISSING`.
 */
export async function lockLivePolicy(tx: Transaction): Promise<PolicyRow> {
  // Who waited for a version that was retired meanwhile may find none at first: the one that took its place is there at the second look.
  const row = (await lockLive(tx)) ?? (await lockLive(tx));
  if (!row) throw new EngineError('POLICY_MISSING');
  return row;
}

async function lockLive(tx: Transaction): Promise<PolicyRow | undefined> {
  const [row] = await tx.select().from(policies).where(eq(policies.liveKey, LIVE)).for('update');
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

/** The rules in force; null where there are none, or none that can be read: withdrawals wait then. */
export async function readLiveRules(queryable: Queryable): Promise<Policy | null> {
  const live = await findLivePolicy(queryable);
  try {
    return live ? rulesOf(live) : null;
  } catch (error) {
    if (error instanceof EngineError && error.code === 'POLICY_MISSING') return null;
    throw error;
  }
}

/** A version by its number, whatever its status. */
export async function findPolicy(queryable: Queryable, version: number): Promise<PolicyRow | undefined> {
  const [row] = await queryable.select().from(policies).where(eq(policies.version, version));
  return row;
}

/** Puts the first version into force, sealed, where there never was one. Called twice, or at once by two: one row. */
export async function ensureFirstPolicy(db: Database, sealKey: Uint8Array, document: Policy): Promise<void> {
  if ((await db.$count(policies)) > 0) return;
  const now = new Date();
  try {
    await transact(db, async (tx) => {
      const [{ insertId }] = await tx.insert(policies).values({ status: 'LIVE', liveKey: LIVE, document, reason: 'the first version, from the settings file', proposedAt: now, decidedAt: now });
      await setSealed(tx, sealKey, await getPolicy(tx, insertId), {});
    });
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
}

/** Changes a version and its seal in one statement. The caller holds its row, and had found the seal it bore before to hold. */
async function setSealed(tx: Transaction, sealKey: Uint8Array, row: PolicyRow, change: Partial<PolicyRow>): Promise<PolicyRow> {
  const changed = { ...row, ...change };
  const seal = sealPolicy(sealKey, changed);
  await tx.update(policies).set({ ...change, seal }).where(eq(policies.version, row.version));
  return { ...changed, seal };
}

/** Nothing is decided on top of a version that somebody else wrote: the new seal would make it the API's. Throws `SEAL_BROKEN`. */
function assertSealed(sealKey: Uint8Array, row: PolicyRow): void {
  if (!policySealHolds(sealKey, row)) throw new EngineError('SEAL_BROKEN', { row: 'policy', version: String(row.version) });
}

/** Why a proposal cannot be made, approved or rejected. */
export type PolicyRefusal = { kind: 'refused'; reason: 'too-many-drafts' } | { kind: 'refused'; reason: 'not-draft' | 'own-proposal' | 'outdated'; status: PolicyStatus };
export type PolicyChange = { kind: 'done'; row: PolicyRow } | { kind: 'not-found' } | PolicyRefusal;

/**
 * Proposes rules on top of the version in force: a draft that changes nothing yet. Called twice by one person with the
 * same rules: the same draft, also where it came into force meanwhile.
 */
export async function proposePolicy(db: Database, sealKey: Uint8Array, { document, reason, proposedBy }: { document: Policy; reason: string; proposedBy: number }): Promise<Exclude<PolicyChange, { kind: 'not-found' }>> {
  return transact(db, async (tx) => {
    const live = await lockLive(tx);
    const baseVersion = live?.version ?? null;
    const open = await tx.select().from(policies).where(and(eq(policies.status, 'DRAFT'), baseVersion === null ? isNull(policies.baseVersion) : eq(policies.baseVersion, baseVersion)));
    const same = [...open, ...(live ? [live] : [])].find((earlier) => earlier.proposedBy === proposedBy && JSON.stringify(earlier.document) === JSON.stringify(document));
    if (same) return { kind: 'done', row: same };
    if (open.length >= DRAFTS_MAX) return { kind: 'refused', reason: 'too-many-drafts' };
    const [{ insertId }] = await tx.insert(policies).values({ status: 'DRAFT', document, reason, baseVersion, proposedBy, proposedAt: new Date() });
    return { kind: 'done', row: await setSealed(tx, sealKey, await getPolicy(tx, insertId), {}) };
  });
}

/**
 * Puts a draft into force in place of the version it was proposed on, in one transaction that holds the live row: no
 * withdrawal is judged between the two, and the unique key allows no second one. Called twice by one person: the same
 * answer. A draft on a version that is no longer in force is refused: whoever proposed it had read other rules. Throws
 * `VALIDATION_FAILED` for one that this engine cannot read, `SEAL_BROKEN` where it, or the version in force, was changed behind the engine's back.
 */
export async function approvePolicy(db: Database, sealKey: Uint8Array, version: number, approvedBy: number): Promise<PolicyChange> {
  try {
    return await transact(db, async (tx): Promise<PolicyChange> => {
      const live = await lockLive(tx);
      const draft = await lockPolicy(tx, version);
      if (!draft) return { kind: 'not-found' };
      if (draft.decidedBy === approvedBy && (draft.status === 'LIVE' || draft.status === 'RETIRED')) return { kind: 'done', row: draft };
      const refusal = whyNotApproved(draft, approvedBy, live);
      if (refusal) return { kind: 'refused', reason: refusal, status: draft.status };
      assertSealed(sealKey, draft);
      parsePolicy(draft.document);
      const now = new Date();
      if (live) {
        assertSealed(sealKey, live);
        await setSealed(tx, sealKey, live, { status: 'RETIRED', liveKey: null, retiredAt: now });
      }
      return { kind: 'done', row: await setSealed(tx, sealKey, draft, { status: 'LIVE', liveKey: LIVE, decidedBy: approvedBy, decidedAt: now }) };
    });
  } catch (error) {
    // There was no live row to hold, and another draft came into force first.
    if (isDuplicateKey(error)) return { kind: 'refused', reason: 'outdated', status: 'DRAFT' };
    throw error;
  }
}

function whyNotApproved(draft: PolicyRow, approvedBy: number, live: PolicyRow | undefined): 'not-draft' | 'own-proposal' | 'outdated' | null {
  if (draft.status !== 'DRAFT') return 'not-draft';
  if (draft.proposedBy === approvedBy) return 'own-proposal';
  return draft.baseVersion === (live?.version ?? null) ? null : 'outdated';
}

/** Ends a draft; whoever proposed it may do so too. Called twice by one person: the same answer, the first reason stands. Throws `SEAL_BROKEN`. */
export async function rejectPolicy(db: Database, sealKey: Uint8Array, version: number, { rejectedBy, reason }: { rejectedBy: number; reason: string }): Promise<PolicyChange> {
  return transact(db, async (tx): Promise<PolicyChange> => {
    const draft = await lockPolicy(tx, version);
    if (!draft) return { kind: 'not-found' };
    if (draft.status === 'REJECTED' && draft.decidedBy === rejectedBy) return { kind: 'done', row: draft };
    if (draft.status !== 'DRAFT') return { kind: 'refused', reason: 'not-draft', status: draft.status };
    assertSealed(sealKey, draft);
    return { kind: 'done', row: await setSealed(tx, sealKey, draft, { status: 'REJECTED', decidedBy: rejectedBy, decidedAt: new Date(), decisionReason: reason }) };
  });
}

async function lockPolicy(tx: Transaction, version: number): Promise<PolicyRow | undefined> {
  const [row] = await tx.select().from(policies).where(eq(policies.version, version)).for('update');
  return row;
}

async function getPolicy(queryable: Queryable, version: number): Promise<PolicyRow> {
  const [row] = await queryable.select().from(policies).where(eq(policies.version, version));
  if (!row) throw new Error(`policy ${version} is gone`);
  return row;
}

/** A page of versions, newest first. `next` is the version the next page starts below; null on the last page. */
export async function pagePolicies(db: Queryable, page: { status?: PolicyStatus | undefined; before?: number | undefined; limit: number }): Promise<{ rows: PolicyRow[]; next: number | null }> {
  const found = await db
    .select()
    .from(policies)
    .where(and(page.status === undefined ? undefined : eq(policies.status, page.status), page.before === undefined ? undefined : lt(policies.version, page.before)))
    .orderBy(desc(policies.version))
    .limit(page.limit + 1);
  const rows = found.slice(0, page.limit);
  return { rows, next: found.length > page.limit ? (rows.at(-1)?.version ?? null) : null };
}
