import { mayCommit, type CommitDecision } from '../domain/attempts.ts';
import { EngineError } from '../domain/errors.ts';
import { isEnd } from '../domain/status.ts';
import type { Database } from '../db/client.ts';
import { insertAttempt, listAttempts, type AttemptRow, type NewAttempt } from '../db/repositories/payments/attempts.ts';
import { raiseGas } from '../db/repositories/payments/funds.ts';
import { passHaltGate } from '../db/repositories/operations/halt-gate.ts';
import { assertNotHalted } from '../db/repositories/operations/halts.ts';
import { lockLiveReservation, markNonce, type NonceReservationRow } from '../db/repositories/payments/nonces.ts';
import { lockWithdrawal, moveTo, setWithdrawal, type WithdrawalRow } from '../db/repositories/withdrawals/withdrawals.ts';
import { appendEvent } from '../db/repositories/withdrawals/events.ts';
import { transact } from '../db/transact.ts';

export type CommitResult = { kind: 'committed'; attempt: Pick<AttemptRow, 'txHash' | 'nonce'> } | { kind: 'cancelled' };

/**
 * The border after which money may move: commits signed bytes while holding the request and its nonce reservation.
 *
 * Refuses when the reservation has passed to somebody else (its generation is checked), when a cancel intent stands, when
 * the withdrawal was parked meanwhile, when a paying attempt would follow a voiding one, and (`HALTED`, `BOOKS_BEHIND`) under a
 * halt: a signer that slept through any of these commits nothing. Called twice for one ordinal: the bytes committed first are returned and the second ones forgotten, unsent.
 */
export async function commitAttempt(db: Database, commit: { requestId: string; reservation: NonceReservationRow; attempt: NewAttempt }): Promise<CommitResult> {
  const { requestId, attempt } = commit;
  return transact(db, async (tx): Promise<CommitResult> => {
    const request = await lockWithdrawal(tx, requestId);
    const reservation = await lockLiveReservation(tx, requestId);
    const attempts = reservation ? await listAttempts(tx, reservation.id) : [];
    const latest = attempts.at(-1) ?? null;
    const view = { ended: isEnd(request.status), cancelIntended: request.cancelIntentAt !== null, parked: request.status === 'DEAD_LETTERED', reservation, newest: latest };
    const decision = mayCommit(view, { reservationId: commit.reservation.id, generation: commit.reservation.generation, ordinal: attempt.ordinal, purpose: attempt.purpose });
    if (decision.kind === 'repeat' && latest) return { kind: 'committed', attempt: latest };
    if (decision.kind === 'cancelled') return { kind: 'cancelled' };
    if (decision.kind === 'refuse') throw refusal(decision.reason, request);
    if (!reservation) throw new Error('an attempt without a reservation was let through');
    if (attempt.purpose === 'PAY') {
      await passHaltGate(tx);
      await assertNotHalted(tx, { chainId: attempt.chainId, tokenAddress: request.tokenAddress, walletAddress: attempt.from });
    }

    await insertAttempt(tx, attempt);
    await markNonce(tx, reservation.id, attempt.purpose === 'PAY' ? 'SIGNED' : 'VOIDING');
    await raiseGas(tx, requestId, attempt.gasLimit * attempt.maxFeePerGas);
    const event = { nonce: attempt.nonce, txHash: attempt.txHash, ordinal: attempt.ordinal, purpose: attempt.purpose };
    if (attempt.purpose === 'PAY') {
      await setWithdrawal(tx, requestId, { hasLivePayment: true, txHash: attempt.txHash });
      if (await moveTo(tx, requestId, 'SIGNED', 'signed', { detail: event })) return { kind: 'committed', attempt };
    }
    await appendEvent(tx, { requestId, type: attempt.purpose === 'PAY' ? 'replacement signed' : 'voiding transaction signed', detail: event });
    return { kind: 'committed', attempt };
  });
}

function refusal(reason: Extract<CommitDecision, { kind: 'refuse' }>['reason'], { requestId, status }: WithdrawalRow): Error {
  switch (reason) {
    case 'ended':
      return new EngineError('INVALID_STATE', { status });
    case 'parked':
      return new EngineError('PARKED', { requestId });
    case 'voiding':
      return new EngineError('INVALID_STATE', { reason: 'the nonce is being voided' });
    // Tried again, the next run finds what overtook it and signs on top.
    case 'nonce-taken-back':
    case 'outrun':
      return new EngineError('SERVICE_UNAVAILABLE', { reason });
    case 'gap':
      return new Error('an attempt would skip an ordinal');
    default:
      return reason satisfies never;
  }
}
