import { and, eq, inArray, lt, min, ne } from 'drizzle-orm';
import { EngineError } from '../domain/errors.ts';
import { judge, parsePolicy, type DenialCode, type PolicyFacts } from '../domain/policy.ts';
import type { Queryable, Transaction } from '../db/client.ts';
import { bucketOf, readUsage, takeLimits } from '../db/repositories/limits.ts';
import { readListing } from '../db/repositories/listed-addresses.ts';
import { findLivePolicy, lockLivePolicy } from '../db/repositories/policies.ts';
import { awaitsApproval, findDecision, insertDecision } from '../db/repositories/policy-decisions.ts';
import { findUserById } from '../db/repositories/users.ts';
import type { WithdrawalRow } from '../db/repositories/withdrawals.ts';
import { users, withdrawalRequests } from '../db/schema/index.ts';

export type Admission = { kind: 'admitted'; awaitsApproval: boolean } | { kind: 'denied'; code: DenialCode; rule: string };

/**
 * Judges a withdrawal by the live policy and takes its limits, in the transaction that holds its funds. The caller holds
 * the withdrawal's row and takes the wallet's afterwards; the live policy's row is held from here on, so that a hundred at
 * once pass no limit together. Called twice: the first decision stands and nothing is taken again. Throws `POLICY_MISSING`.
 * @param walletBalance what the paying wallet holds of the token, base units
 */
export async function admit(tx: Transaction, request: WithdrawalRow, walletBalance: bigint): Promise<Admission> {
  const live = await lockLivePolicy(tx);
  const earlier = await findDecision(tx, request.requestId);
  if (earlier) return { kind: 'admitted', awaitsApproval: awaitsApproval(earlier) };

  const now = new Date();
  const { requestId, ownerId, chainId, currency, amount } = request;
  const verdict = judge(parsePolicy(live.document), { ...(await readFacts(tx, request, now)), walletBalance });
  if (verdict.kind === 'undetermined') throw new Error(`rule ${verdict.rule} could not be judged`);
  if (verdict.kind === 'denied') return { kind: 'denied', code: verdict.code, rule: verdict.rule };

  const { approvals } = verdict;
  const limitBucket = bucketOf(now);
  await insertDecision(tx, {
    requestId,
    policyVersion: live.version,
    ruleId: verdict.rule,
    ownerId,
    chainId,
    currency,
    amount,
    limitBucket,
    approvalsRequired: approvals?.required ?? 0,
    approvers: approvals?.approvers ? await accountIds(tx, approvals.approvers) : null,
    approvalDeadline: approvals ? new Date(now.getTime() + approvals.withinMs) : null,
    decidedAt: now,
  });
  await takeLimits(tx, request, limitBucket);
  return { kind: 'admitted', awaitsApproval: approvals !== null };
}

/**
 * Whether the policy denies a withdrawal whatever wallet pays it: asked while none can. Reads only; where it depends on the
 * wallet it says no. Throws `POLICY_MISSING`.
 */
export async function findDenial(db: Queryable, request: WithdrawalRow): Promise<Extract<Admission, { kind: 'denied' }> | null> {
  const live = await findLivePolicy(db);
  if (!live) throw new EngineError('POLICY_MISSING');
  const verdict = judge(parsePolicy(live.document), await readFacts(db, request, new Date()));
  return verdict.kind === 'denied' ? { kind: 'denied', code: verdict.code, rule: verdict.rule } : null;
}

/** Everything the policy may ask of a withdrawal, apart from the wallet that pays it. */
async function readFacts(queryable: Queryable, request: WithdrawalRow, now: Date): Promise<PolicyFacts> {
  const { network, currency, decimals, amount, ownerId } = request;
  const listing = await readListing(queryable, request);
  const known = [listing.allowedSince, await firstAskedFor(queryable, request), now].filter((at) => at !== null);
  const knownForMs = now.getTime() - Math.min(...known.map((at) => at.getTime()));
  const client = (await findUserById(queryable, ownerId))?.email ?? '';
  return { network, currency, decimals, amount, client, destination: listing.destination, knownForMs, usage: await readUsage(queryable, request, now) };
}

/** When the client first asked for this recipient, before this very withdrawal. */
async function firstAskedFor(queryable: Queryable, { requestId, ownerId, toAddress, createdAt }: WithdrawalRow): Promise<Date | null> {
  const [first] = await queryable
    .select({ at: min(withdrawalRequests.createdAt) })
    .from(withdrawalRequests)
    .where(and(eq(withdrawalRequests.ownerId, ownerId), eq(withdrawalRequests.toAddress, toAddress), lt(withdrawalRequests.createdAt, createdAt), ne(withdrawalRequests.requestId, requestId)));
  return first?.at ?? null;
}

/** Whose word counts, by account. A name without an account counts for nobody. */
async function accountIds(tx: Transaction, emails: readonly string[]): Promise<number[]> {
  const named = emails.map((email) => email.trim().toLowerCase());
  return (await tx.select({ id: users.id }).from(users).where(inArray(users.email, named))).map(({ id }) => id);
}
