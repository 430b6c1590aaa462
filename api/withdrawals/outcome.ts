import type { AttemptRow } from '../../db/repositories/payments/attempts.ts';
import type { WithdrawalRow } from '../../db/repositories/withdrawals/withdrawals.ts';
import { outcomeOf } from '../../domain/status.ts';
import type { OutcomeDetailView } from '../schemas/withdrawal.ts';

/**
 * What is known of a payment whose outcome is open, from rows alone: which signed payments may be on the chain, and what
 * will settle it. Undefined where the outcome is known.
 * @param attempts the withdrawal's signed transactions, on all its nonces
 */
export function outcomeDetailOf(row: WithdrawalRow, attempts: readonly AttemptRow[]): OutcomeDetailView | undefined {
  if (outcomeOf(row.status, row.hasLivePayment) !== 'UNKNOWN') return undefined;
  // A payment that is not what was asked is final; its nonce has no open attempts any more.
  const live = attempts.filter(({ txHash, status }) => (row.paidTxHash === null ? status === 'SIGNED' || status === 'BROADCASTED' : txHash === row.paidTxHash));
  const newest = live.at(-1);
  if (!newest) return undefined;
  const sentAt = live.flatMap(({ broadcastedAt }) => (broadcastedAt === null ? [] : [broadcastedAt.getTime()]));
  return {
    nonce: newest.nonce,
    signer: newest.from,
    hashes: live.filter(({ purpose }) => purpose === 'PAY').map(({ txHash }) => txHash),
    lastSent: sentAt.length === 0 ? null : new Date(Math.max(...sentAt)).toISOString(),
    settledWhen: settledWhen(row, live),
  };
}

function settledWhen(row: WithdrawalRow, live: readonly AttemptRow[]): OutcomeDetailView['settledWhen'] {
  if (row.paidTxHash !== null) return 'person';
  const isVoided = row.status === 'DEAD_LETTERED' || row.cancelIntentAt !== null || live.some(({ purpose }) => purpose === 'VOID');
  return isVoided ? 'voided' : 'final-block';
}
