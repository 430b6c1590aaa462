import { approvalHolds, tallyApprovals } from '../domain/approvals.ts';
import { EngineError } from '../domain/errors.ts';
import { parsePolicy, type Policy } from '../domain/policy.ts';
import { demandOf, type ApprovalDemand, type LastingFacts } from '../domain/policy-demand.ts';
import { policySealHolds } from '../domain/policy-seal.ts';
import { acceptedAtOf } from '../domain/request-id.ts';
import { sealHolds } from '../domain/seal.ts';
import type { Settings } from '../domain/settings.ts';
import type { Database } from '../db/client.ts';
import { raiseAlert } from '../db/repositories/operations/alerts.ts';
import { listApprovals } from '../db/repositories/policy/approvals.ts';
import { findPolicy, type PolicyRow } from '../db/repositories/policy/policies.ts';
import { findDecision, type PolicyDecisionRow } from '../db/repositories/policy/policy-decisions.ts';
import { unsealedPolicySubject } from '../db/repositories/payments/unsealed-rows.ts';
import { findUserById, listUsersByEmail } from '../db/repositories/accounts/users.ts';
import type { WithdrawalRow } from '../db/repositories/withdrawals/withdrawals.ts';
import type { ActivityLog } from './failure.ts';
import { readSealedListing, type SealedListing } from './sealed-listing.ts';
import { CLOCKS_APART_MS, type SignedUsage, type Spending } from './signed-usage.ts';

export interface ApprovalPorts {
  db: Database;
  sealKey: Uint8Array;
  settings: Settings;
  usage: SignedUsage;
  log: ActivityLog;
}

/**
 * Holds the request against the seal it was accepted with. Reads only, but for the alert. Throws `SEAL_BROKEN`.
 */
export async function assertSealed(ports: Omit<ApprovalPorts, 'usage'>, request: WithdrawalRow): Promise<void> {
  if (!sealHolds(ports.sealKey, request, request.seal)) throw await sealBroken(ports, request, { row: 'request' });
}

/**
 * Holds what is written of policy, lists, limits and people against what cannot be edited in the database: the policy's version, the
 * lists' entries and each word are the API's by their seals; the demand follows from them and from the sealed request, not from the
 * decision's columns; and the limits are counted anew from what was signed, not read from their counters. Called after `assertSealed`,
 * which vouches for amount and requester. Reads only, but for the alert.
 *
 * Throws `APPROVAL_MISSING` where the policy was never asked, or too few have approved; `POLICY_MISSING` for a version that was never
 * sealed: it waits until somebody has looked at it; `SEAL_BROKEN` where a row says what was never decided.
 *
 * @returns what the lists say of the recipient
 */
export async function assertApproved(ports: ApprovalPorts, request: WithdrawalRow): Promise<SealedListing> {
  const { db, sealKey } = ports;
  const { requestId, ownerId } = request;
  const decision = await findDecision(db, requestId);
  if (!decision) throw new EngineError('APPROVAL_MISSING', { requestId, reason: 'the policy was never asked' });
  const policy = await policyOf(ports, request, decision);
  const listing = await asAlert(ports, request, () => readSealedListing(db, sealKey, request, decision.decidedAt));
  const demand = policy && (await readDemand(ports, request, decision, policy, listing));
  if (demand?.required !== decision.approvalsRequired) throw await sealBroken(ports, request, { row: 'decision' });
  if (demand.required === 0) return listing;

  const given = await listApprovals(db, requestId);
  if (!given.every((approval) => approvalHolds(sealKey, approval, request))) throw await sealBroken(ports, request, { row: 'approval' });
  const approvers = demand.approvers === null ? null : (await listUsersByEmail(db, demand.approvers)).map(({ id }) => id);
  // Each was given in time, or it would not have been taken.
  const tally = tallyApprovals(given, { required: demand.required, approvers, requesterId: ownerId }, true);
  if (tally.kind !== 'approved') throw new EngineError('APPROVAL_MISSING', { requestId, required: String(demand.required) });
  return listing;
}

/** The rules of the version that is said to have decided; null where it was not in force then, or the decision is older than the request. */
async function policyOf(ports: ApprovalPorts, request: WithdrawalRow, { policyVersion, decidedAt }: PolicyDecisionRow): Promise<Policy | null> {
  const { db, sealKey } = ports;
  const row = await findPolicy(db, policyVersion);
  if (!row) return null;
  if (row.seal === null) {
    await raiseAlert(db, { kind: 'SEAL_BROKEN', chainId: request.chainId, subject: unsealedPolicySubject(policyVersion), detail: { row: 'policy', reason: 'unsealed' } });
    throw new EngineError('POLICY_MISSING', { version: String(policyVersion), reason: 'unsealed' });
  }
  if (!policySealHolds(sealKey, row)) throw await sealBroken(ports, request, { row: 'policy', version: policyVersion });
  const isOlderThanRequest = decidedAt.getTime() < acceptedAtOf(request.requestId).getTime() - CLOCKS_APART_MS;
  return isOlderThanRequest || !wasInForce(row, decidedAt) ? null : readable(row.document);
}

function wasInForce({ status, decidedAt, retiredAt }: PolicyRow, at: Date): boolean {
  if (decidedAt === null || (status !== 'LIVE' && status !== 'RETIRED')) return false;
  return decidedAt.getTime() <= at.getTime() + CLOCKS_APART_MS && (retiredAt === null || retiredAt.getTime() >= at.getTime() - CLOCKS_APART_MS);
}

/** What the rules demand of this withdrawal; null where the decision cannot have come from them. */
async function readDemand(ports: ApprovalPorts, request: WithdrawalRow, decision: PolicyDecisionRow, rules: Policy, { destinationThen }: SealedListing): Promise<ApprovalDemand | null> {
  const { ruleId, policyVersion, decidedAt } = decision;
  const { requestId, ownerId, currency, decimals, amount } = request;
  const spending: Spending = { requestId, ownerId, currency, decimals, amount, decidedAtMs: decidedAt.getTime(), policyVersion, ruleId };
  const facts: LastingFacts = { ...(await lastingFactsOf(ports, spending)), ...(destinationThen && { destination: destinationThen }) };
  const demand = demandOf(rules, ruleId, facts);
  if (demand === null || !rules.rules.some(({ when }) => when.total || when.count)) return demand;

  await asAlert(ports, request, () => ports.usage.catchUp());
  if (await isWithinLimits(ports, rules, spending, facts)) return demand;
  await ports.usage.forgetUnpaid();
  if (await isWithinLimits(ports, rules, spending, facts)) return demand;
  throw await sealBroken(ports, request, { row: 'limits' });
}

/**
 * Whether the limits let it pass by what was signed, it and what its rule let pass after it: of two whose order of signing is not the
 * order of their decisions, the second to be signed shows both.
 */
async function isWithinLimits(ports: ApprovalPorts, rules: Policy, spending: Spending, facts: LastingFacts): Promise<boolean> {
  const { usage } = ports;
  if (demandOf(rules, spending.ruleId, { ...facts, usageAtLeast: usage.before(spending) }) === null) return false;
  for (const later of usage.laterThan(spending)) {
    if (demandOf(rules, later.ruleId, { ...(await lastingFactsOf(ports, later)), usageAtLeast: usage.before(later, spending) }) === null) return false;
  }
  return true;
}

async function lastingFactsOf({ db, settings }: ApprovalPorts, { ownerId, currency, decimals, amount }: Spending): Promise<LastingFacts> {
  const client = (await findUserById(db, ownerId))?.email ?? '';
  return { network: settings.chain.network, currency, decimals, amount, client };
}

/** A document that is no policy demanded nothing of anybody. */
function readable(document: unknown): Policy | null {
  try {
    return parsePolicy(document);
  } catch {
    return null;
  }
}

/** Runs a check that only reads; a broken seal it finds calls a person for this withdrawal. */
async function asAlert<Result>(ports: ApprovalPorts, request: WithdrawalRow, check: () => Promise<Result>): Promise<Result> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof EngineError && error.code === 'SEAL_BROKEN') throw await sealBroken(ports, request, error.parameters);
    throw error;
  }
}

/** What was changed behind the engine's back, by the name of its `row`, and which one it is where it is not this withdrawal's. */
type ChangedRow = { row?: string } & Record<string, string | number>;

async function sealBroken({ db, log }: Omit<ApprovalPorts, 'usage'>, { requestId, chainId }: WithdrawalRow, { requestId: other, ...changed }: ChangedRow): Promise<EngineError> {
  const detail = { ...changed, ...(other !== undefined && { withdrawal: other }) };
  if (await raiseAlert(db, { kind: 'SEAL_BROKEN', chainId, subject: requestId, detail })) log.error({ requestId, ...detail }, 'a row was changed behind the engine’s back: nothing is signed by it');
  return new EngineError('SEAL_BROKEN', { requestId, ...Object.fromEntries(Object.entries(detail).map(([name, value]) => [name, String(value)])) });
}
