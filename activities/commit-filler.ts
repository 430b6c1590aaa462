import { mayCommit } from '../domain/attempts.ts';
import type { Database } from '../db/client.ts';
import { insertAttempt, listAttempts, type NewAttempt } from '../db/repositories/payments/attempts.ts';
import { passHaltGate } from '../db/repositories/operations/halt-gate.ts';
import { lockLiveReservation, type NonceReservationRow } from '../db/repositories/payments/nonces.ts';
import { lockWallet } from '../db/repositories/wallets/wallets.ts';
import { transact } from '../db/transact.ts';
import { fillerThatMayGo } from './guardian/may-fill.ts';

/**
 * Commits the signed bytes of a filler while holding its wallet and its nonce reservation, unless a halt (`HALTED`,
 * `BOOKS_BEHIND`, `WALLET_UNAVAILABLE`) has come meanwhile. Called twice for one ordinal: the bytes committed first are returned
 * and the second ones forgotten, unsent.
 * @returns the hash that stands, or null when the reservation is another's by now
 */
export async function commitFiller(db: Database, seen: NonceReservationRow, attempt: NewAttempt): Promise<string | null> {
  return transact(db, async (tx) => {
    await lockWallet(tx, seen.chainId, seen.walletAddress);
    const reservation = await lockLiveReservation(tx, attempt.requestId);
    const newest = reservation ? ((await listAttempts(tx, reservation.id)).at(-1) ?? null) : null;
    // No withdrawal holds this nonce, so there is none to end, cancel or park.
    const decision = mayCommit({ ended: false, cancelIntended: false, parked: false, reservation, newest }, { reservationId: seen.id, generation: seen.generation, ordinal: attempt.ordinal, purpose: attempt.purpose });
    if (decision.kind === 'repeat' && newest) return newest.txHash;
    if (decision.kind === 'refuse' && decision.reason === 'nonce-taken-back') return null;
    if (decision.kind !== 'commit') throw new Error(`a filler's attempt is not committed: ${JSON.stringify(decision)}`);
    await passHaltGate(tx);
    await fillerThatMayGo(tx, attempt.requestId);
    await insertAttempt(tx, attempt);
    return attempt.txHash;
  });
}
