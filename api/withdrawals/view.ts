import type { NamedApproval } from '../../db/repositories/policy/approvals.ts';
import type { AttemptRow } from '../../db/repositories/payments/attempts.ts';
import type { PolicyDecisionRow } from '../../db/repositories/policy/policy-decisions.ts';
import type { EventRow } from '../../db/repositories/withdrawals/read-withdrawals.ts';
import type { WithdrawalRow } from '../../db/repositories/withdrawals/withdrawals.ts';
import { isNetwork } from '../../domain/networks.ts';
import { cancellationResultOf } from '../../domain/status.ts';
import { withdrawalFacts } from '../../domain/withdrawal-facts.ts';
import type { Messages } from '../messages/messages.ts';
import { outcomeDetailOf } from './outcome.ts';
import type { ApprovalsView, AttemptView, TimelineEntryView, WithdrawalDetailView, WithdrawalView } from '../schemas/withdrawal.ts';

/** What a view depends on besides the row. */
export interface ViewContext {
  messages: Messages;
  /** base address of the block explorer, without a closing slash */
  explorerUrl: string;
  /** how long a withdrawal waits for a wallet to be funded */
  fundsWaitMs: number;
}

const isoOrNull = (time: Date | null): string | null => time?.toISOString() ?? null;
const explorerLink = (explorerUrl: string, txHash: string): string => `${explorerUrl}/tx/${txHash}`;

/**
 * A withdrawal as a caller sees it: token units, EIP-55, ISO 8601, the caller's language.
 * @param attempts its signed transactions, for what is known of an open outcome
 */
export function withdrawalView(row: WithdrawalRow, { messages, explorerUrl }: ViewContext, attempts: readonly AttemptRow[] = []): WithdrawalView {
  if (!isNetwork(row.network)) throw new Error(`withdrawal ${row.requestId} names an unknown network`);
  const facts = withdrawalFacts(row);
  const { outcome, errorCode } = facts;
  const outcomeDetail = outcomeDetailOf(row, attempts);
  return {
    ...facts,
    network: row.network,
    ...(outcome === 'UNKNOWN' && { outcomeNote: messages.outcomeUnknown }),
    ...(outcomeDetail && { outcomeDetail }),
    explorerUrl: row.txHash === null ? null : explorerLink(explorerUrl, row.txHash),
    errorMessage: errorCode === null ? null : messages.errors[errorCode]({}),
    ...(row.cancelIntentAt && { cancellation: { requestedAt: row.cancelIntentAt.toISOString(), result: cancellationResultOf(row.status, row.paidTxHash !== null) } }),
  };
}

function attemptView(row: AttemptRow, explorerUrl: string): AttemptView {
  return {
    hash: row.txHash,
    nonce: row.nonce,
    status: row.status,
    purpose: row.purpose,
    explorerUrl: explorerLink(explorerUrl, row.txHash),
    retryCount: row.retryCount,
    maxFeePerGas: row.maxFeePerGas.toString(),
    maxPriorityFeePerGas: row.maxPriorityFeePerGas.toString(),
    gasLimit: row.gasLimit.toString(),
    signedAt: row.signedAt.toISOString(),
    broadcastedAt: isoOrNull(row.broadcastedAt),
    confirmedAt: isoOrNull(row.confirmedAt),
  };
}

export function timelineEntryView(row: EventRow): TimelineEntryView {
  return { id: row.id, type: row.type, status: row.status, detail: row.detail, at: row.createdAt.toISOString() };
}

/** What a withdrawal in `AWAITING_FUNDS` lacks, since when, and until when it waits; nothing in any other status. */
function waitingFor(row: WithdrawalRow, events: readonly EventRow[], fundsWaitMs: number): Pick<WithdrawalDetailView, 'waitingFor'> {
  const entered = row.status === 'AWAITING_FUNDS' ? events.findLast(({ status }) => status === 'AWAITING_FUNDS') : undefined;
  if (!entered) return {};
  const what = entered.detail['missing'] === 'gas' ? 'gas' : 'token';
  return { waitingFor: { what, since: entered.createdAt.toISOString(), until: new Date(entered.createdAt.getTime() + fundsWaitMs).toISOString() } };
}

/** What the policy asked of people. Who they are, and why they rejected, is for operators. */
export function approvalsView(decision: PolicyDecisionRow, given: readonly NamedApproval[], isForOperators: boolean): ApprovalsView {
  return {
    required: decision.approvalsRequired,
    deadline: isoOrNull(decision.approvalDeadline),
    approvedAt: isoOrNull(decision.approvedAt),
    given: given.map(({ approverId, email, decision: word, reason, createdAt }) => ({
      approver: isForOperators ? { id: approverId, email } : null,
      decision: word,
      reason: isForOperators ? reason : null,
      at: createdAt.toISOString(),
    })),
  };
}

/** What belongs to a withdrawal that is asked for alone. */
export interface WithdrawalParts {
  attempts: readonly AttemptRow[];
  events: readonly EventRow[];
  /** undefined where the policy asks for none, or was not asked yet */
  approvals: ApprovalsView | undefined;
}

/** One withdrawal asked for alone: with its approvals, its attempts and its timeline. */
export function withdrawalDetailView(row: WithdrawalRow, { attempts, events, approvals }: WithdrawalParts, context: ViewContext): WithdrawalDetailView {
  return { ...withdrawalView(row, context, attempts), ...waitingFor(row, events, context.fundsWaitMs), ...(approvals && { approvals }), attempts: attempts.map((attempt) => attemptView(attempt, context.explorerUrl)), timeline: events.map(timelineEntryView) };
}
