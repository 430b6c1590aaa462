import type { AttemptRow } from '../../db/repositories/attempts.ts';
import type { EventRow } from '../../db/repositories/read-withdrawals.ts';
import type { WithdrawalRow } from '../../db/repositories/withdrawals.ts';
import { parseAddress } from '../../domain/address.ts';
import { ERROR_CATALOGUE, isErrorCode, type ErrorCode } from '../../domain/errors.ts';
import { formatAmount } from '../../domain/money.ts';
import { isNetwork } from '../../domain/networks.ts';
import { outcomeOf } from '../../domain/status.ts';
import type { Messages } from '../messages/messages.ts';
import { outcomeDetailOf } from './outcome.ts';
import type { AttemptView, TimelineEntryView, WithdrawalDetailView, WithdrawalView } from '../schemas/withdrawal.ts';

/** What a view depends on besides the row. */
export interface ViewContext {
  messages: Messages;
  /** base address of the block explorer, without a closing slash */
  explorerUrl: string;
}

const isoOrNull = (time: Date | null): string | null => time?.toISOString() ?? null;
const explorerLink = (explorerUrl: string, txHash: string): string => `${explorerUrl}/tx/${txHash}`;

function errorCodeOf(stored: string | null): ErrorCode | null {
  if (stored === null) return null;
  return isErrorCode(stored) ? stored : 'INTERNAL';
}

/**
 * A withdrawal as a caller sees it: token units, EIP-55, ISO 8601, the caller's language.
 * @param attempts its signed transactions, for what is known of an open outcome
 */
export function withdrawalView(row: WithdrawalRow, { messages, explorerUrl }: ViewContext, attempts: readonly AttemptRow[] = []): WithdrawalView {
  if (!isNetwork(row.network)) throw new Error(`withdrawal ${row.requestId} names an unknown network`);
  const outcome = outcomeOf(row.status, row.hasLivePayment);
  const outcomeDetail = outcomeDetailOf(row, attempts);
  const errorCode = errorCodeOf(row.errorCode);
  return {
    requestId: row.requestId,
    status: row.status,
    outcome,
    ...(outcome === 'UNKNOWN' && { outcomeNote: messages.outcomeUnknown }),
    ...(outcomeDetail && { outcomeDetail }),
    amount: formatAmount(row.amount, row.decimals),
    currency: row.currency,
    toAddress: parseAddress(row.toAddress),
    tokenAddress: row.tokenAddress === null ? null : parseAddress(row.tokenAddress),
    network: row.network,
    txHash: row.txHash,
    explorerUrl: row.txHash === null ? null : explorerLink(explorerUrl, row.txHash),
    errorCode,
    errorMessage: errorCode === null ? null : messages.errors[errorCode]({}),
    // Whoever is told to try again while this one may still pay would pay twice.
    retryable: outcome === 'NOT_PAID' && errorCode !== null && ERROR_CATALOGUE[errorCode].retryable,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    completedAt: isoOrNull(row.completedAt),
  };
}

export function attemptView(row: AttemptRow, explorerUrl: string): AttemptView {
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

/** One withdrawal asked for alone: with its attempts and its timeline. */
export function withdrawalDetailView(row: WithdrawalRow, attempts: readonly AttemptRow[], events: readonly EventRow[], context: ViewContext): WithdrawalDetailView {
  return { ...withdrawalView(row, context, attempts), attempts: attempts.map((attempt) => attemptView(attempt, context.explorerUrl)), timeline: events.map(timelineEntryView) };
}
