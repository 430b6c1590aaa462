import { approvalHolds, tallyApprovals } from '../domain/approvals.ts';
import { EngineError } from '../domain/errors.ts';
import { parsePolicy, type Policy } from '../domain/policy.ts';
import { demandOf, type ApprovalDemand } from '../domain/policy-demand.ts';
import { acceptedAtOf } from '../domain/request-id.ts';
import { sealHolds } from '../domain/seal.ts';
import type { Settings } from '../domain/settings.ts';
import type { Database } from '../db/client.ts';
import { raiseAlert } from '../db/repositories/alerts.ts';
import { listApprovals } from '../db/repositories/approvals.ts';
import { findPolicyInForceSince } from '../db/repositories/policies.ts';
import { findDecision, type PolicyDecisionRow } from '../db/repositories/policy-decisions.ts';
import { findUserById, listUsersByEmail } from '../db/repositories/users.ts';
import type { WithdrawalRow } from '../db/repositories/withdrawals.ts';
import type { ActivityLog } from './failure.ts';

export interface ApprovalPorts {
  db: Database;
  sealKey: Uint8Array;
  settings: Settings;
  log: ActivityLog;
}

/** The id's instant is by one process's clock, a policy's by another's: a version replaced this long before still counts. */
const CLOCKS_APART_MS = 60_000;

/** What of a withdrawal was changed behind the engine's back. */
type ChangedRow = 'request' | 'approval' | 'decision';

/**
 * Holds the request against the seal it was accepted with. Reads only, but for the alert. Throws `SEAL_BROKEN`.
 */
export async function assertSealed(ports: ApprovalPorts, request: WithdrawalRow): Promise<void> {
  if (!sealHolds(ports.sealKey, request, request.seal)) throw await sealBroken(ports, request, 'request');
}

/**
 * Holds what is written of policy and people against what cannot be edited in the database: the demand follows from the
 * policy and the sealed request, not from the decision's columns, and each word is the API's by its seal. Called after
 * `assertSealed`, which vouches for amount and requester. Reads only, but for the alert.
 *
 * Throws `APPROVAL_MISSING` where the policy was never asked, or too few have approved; `SEAL_BROKEN` where a row says
 * what was never decided.
 */
export async function assertApproved(ports: ApprovalPorts, request: WithdrawalRow): Promise<void> {
  const { db, sealKey } = ports;
  const { requestId, ownerId } = request;
  const decision = await findDecision(db, requestId);
  if (!decision) throw new EngineError('APPROVAL_MISSING', { requestId, reason: 'the policy was never asked' });
  const demand = await readDemand(ports, request, decision);
  if (demand?.required !== decision.approvalsRequired) throw await sealBroken(ports, request, 'decision');
  if (demand.required === 0) return;

  const given = await listApprovals(db, requestId);
  if (!given.every((approval) => approvalHolds(sealKey, approval, request))) throw await sealBroken(ports, request, 'approval');
  const approvers = demand.approvers === null ? null : (await listUsersByEmail(db, demand.approvers)).map(({ id }) => id);
  // Each was given in time, or it would not have been taken.
  const tally = tallyApprovals(given, { required: demand.required, approvers, requesterId: ownerId }, true);
  if (tally.kind !== 'approved') throw new EngineError('APPROVAL_MISSING', { requestId, required: String(demand.required) });
}

/** What the version on record demands of this withdrawal; null where the decision cannot have come from it. */
async function readDemand({ db, settings }: ApprovalPorts, request: WithdrawalRow, { policyVersion, ruleId }: PolicyDecisionRow): Promise<ApprovalDemand | null> {
  const policy = await findPolicyInForceSince(db, policyVersion, new Date(acceptedAtOf(request.requestId).getTime() - CLOCKS_APART_MS));
  const rules = policy ? readable(policy.document) : null;
  if (rules === null) return null;
  const client = (await findUserById(db, request.ownerId))?.email ?? '';
  return demandOf(rules, ruleId, { network: settings.chain.network, currency: request.currency, decimals: request.decimals, amount: request.amount, client });
}

/** A document that is no policy demanded nothing of anybody. */
function readable(document: unknown): Policy | null {
  try {
    return parsePolicy(document);
  } catch {
    return null;
  }
}

async function sealBroken({ db, log }: ApprovalPorts, { requestId, chainId }: WithdrawalRow, row: ChangedRow): Promise<EngineError> {
  if (await raiseAlert(db, { kind: 'SEAL_BROKEN', chainId, subject: requestId, detail: { row } })) log.error({ requestId, row }, 'a row was changed behind the engine’s back: nothing is signed by it');
  return new EngineError('SEAL_BROKEN', { requestId, row });
}
