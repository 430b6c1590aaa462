import { EngineError } from '../domain/errors.ts';
import { judge, type DenialCode } from '../domain/policy.ts';
import type { Queryable, Transaction } from '../db/client.ts';
import { bucketOf, readUsage, takeLimits } from '../db/repositories/policy/limits.ts';
import { findLivePolicy, rulesOf, type PolicyRow } from '../db/repositories/policy/policies.ts';
import { insertDecision } from '../db/repositories/policy/policy-decisions.ts';
import { readStandingFacts, type StandingFacts } from '../db/repositories/policy/policy-facts.ts';
import { listUsersByEmail } from '../db/repositories/accounts/users.ts';
import type { WithdrawalRow } from '../db/repositories/withdrawals/withdrawals.ts';

export type Admission = { kind: 'admitted'; awaitsApproval: boolean } | { kind: 'denied'; code: DenialCode; rule: string };

export interface AdmissionTerms {
  /** the policy in force, its row held: a hundred at once pass no limit together */
  live: PolicyRow;
  /** read before that row was held, so that it is held briefly */
  standing: StandingFacts;
  /** what the paying wallet holds of the token, base units */
  walletBalance: bigint;
}

/**
 * Judges a withdrawal by the live policy and takes its limits, in the transaction that holds its funds. The caller holds, in
 * this order, the withdrawal's row, the live policy's and the wallet's, and has found no earlier decision: called twice, the
 * primary key of the decision refuses, and nothing is taken again.
 */
export async function admit(tx: Transaction, request: WithdrawalRow, { live, standing, walletBalance }: AdmissionTerms): Promise<Admission> {
  // Read under the lock: whoever was counted before has committed, and an earlier instant would look back too short.
  const now = new Date();
  const verdict = judge(rulesOf(live), { ...standing, walletBalance, usage: await readUsage(tx, request, now) });
  if (verdict.kind === 'undetermined') throw new Error(`rule ${verdict.rule} could not be judged`);
  if (verdict.kind === 'denied') return { kind: 'denied', code: verdict.code, rule: verdict.rule };

  const { requestId, ownerId, chainId, currency, amount } = request;
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
    // A name without an account counts for nobody.
    approvers: approvals?.approvers ? (await listUsersByEmail(tx, approvals.approvers)).map(({ id }) => id) : null,
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
  const now = new Date();
  const verdict = judge(rulesOf(live), { ...(await readStandingFacts(db, request, now)), usage: await readUsage(db, request, now) });
  return verdict.kind === 'denied' ? { kind: 'denied', code: verdict.code, rule: verdict.rule } : null;
}
