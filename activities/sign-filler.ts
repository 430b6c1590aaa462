import type { Redis } from 'ioredis';
import type { Address } from '../domain/address.ts';
import { EngineError } from '../domain/errors.ts';
import { bumpFees, quoteFees, type Fees } from '../domain/fees.ts';
import type { Settings } from '../domain/settings.ts';
import type { Database } from '../db/client.ts';
import type { CrashPoint } from '../db/crash-point.ts';
import { insertAttempt, listAttempts, type AttemptRow, type NewAttempt } from '../db/repositories/attempts.ts';
import { trackTransaction } from '../db/repositories/chain-view.ts';
import { passHaltGate } from '../db/repositories/halt-gate.ts';
import { lockLiveReservation, type NonceReservationRow } from '../db/repositories/nonces.ts';
import { lockWallet } from '../db/repositories/wallets.ts';
import { transact } from '../db/transact.ts';
import { feeLimitsOf, readFeeMarket } from './chain/fee-oracle.ts';
import type { Rpc } from './chain/rpc.ts';
import type { Signer } from './custody/signer.ts';
import { moneyActivity, type ActivityLog } from './failure.ts';
import { fillerThatMayGo } from './guardian/may-fill.ts';

export interface SignFillerPorts {
  db: Database;
  redis: Redis;
  rpc: Rpc;
  signer: Signer;
  settings: Settings;
  crashPoint: CrashPoint;
  log: ActivityLog;
}

export interface SignFillerInput {
  /** the filler's holder id */
  requestId: string;
  /** which attempt on the nonce: 0 the first, 1 its first replacement, … */
  ordinal: number;
}

export type SignFillerResult =
  | { kind: 'signed'; txHash: string }
  /** the fee ceiling forbids it for now */
  | { kind: 'held' }
  /** the chain has ruled on the nonce, or it was given to somebody else */
  | { kind: 'gone' };

/** A plain send to ourselves costs exactly this. */
const FILLER_GAS_LIMIT = 21_000n;

/**
 * Signs the transaction that consumes a nonce nobody holds: zero value, from the wallet to itself. It can move nothing but
 * its gas, so it needs no withdrawal, no seal and no reserved funds; that the nonce is a filler's is checked here again.
 * The bytes are committed before anyone can send them.
 *
 * Called twice, or by two signers at once, for one ordinal: the bytes committed first stand and the second ones are
 * forgotten, unsent. Dies after signing: nothing was committed, and the next look asks again.
 */
export function makeSignFiller(ports: SignFillerPorts) {
  const { db, settings } = ports;

  return moneyActivity('signFiller', ports.log, async ({ requestId, ordinal }: SignFillerInput): Promise<SignFillerResult> => {
    const filler = await fillerThatMayGo(db, requestId);
    if (!filler) return { kind: 'gone' };
    const { reservation, wallet } = filler;
    const attempts = await listAttempts(db, reservation.id);
    const done = attempts.find((attempt) => attempt.ordinal >= ordinal);
    if (done) return { kind: 'signed', txHash: done.txHash };
    const fees = await feesAfter(attempts.at(-1));
    if (fees === null) return { kind: 'held' };

    const to = wallet.address as Address;
    const terms = { to, value: 0n, gasLimit: FILLER_GAS_LIMIT, nonce: reservation.nonce, chainId: reservation.chainId, ...fees };
    const signed = await ports.signer.signTransaction({ keyId: wallet.keyId, chainId: reservation.chainId, address: wallet.address, transaction: { ...terms, data: '0x' } });
    const txHash = await commitFiller(db, reservation, { requestId, reservationId: reservation.id, ordinal, purpose: 'VOID', from: wallet.address, ...terms, ...signed });
    if (txHash === null) return { kind: 'gone' };
    ports.crashPoint('bytes-committed');
    ports.log.warn({ requestId, nonce: reservation.nonce, txHash, gasWeiMax: (FILLER_GAS_LIMIT * fees.maxFeePerGas).toString() }, 'a filler was signed');
    return { kind: 'signed', txHash };
  });

  async function feesAfter(previous: AttemptRow | undefined): Promise<Fees | null> {
    const market = await readFeeMarket(ports);
    const limits = feeLimitsOf(settings.chain, FILLER_GAS_LIMIT);
    return previous === undefined ? quoteFees(market, limits) : bumpFees(previous, market, limits);
  }
}

/** Commits signed bytes while holding the wallet and the reservation, unless a halt has come meanwhile. @returns the hash that stands for the ordinal, or null when the reservation is another's by now */
async function commitFiller(db: Database, seen: NonceReservationRow, attempt: NewAttempt): Promise<string | null> {
  return transact(db, async (tx) => {
    const wallet = await lockWallet(tx, seen.chainId, seen.walletAddress);
    if (wallet.status === 'HALTED') throw new EngineError('WALLET_UNAVAILABLE', { wallet: wallet.address, reason: wallet.status });
    const reservation = await lockLiveReservation(tx, attempt.requestId);
    if (reservation?.id !== seen.id || reservation.generation !== seen.generation) return null;
    const attempts = await listAttempts(tx, reservation.id);
    const done = attempts.find(({ ordinal }) => ordinal >= attempt.ordinal);
    if (done) return done.txHash;
    if (attempt.ordinal !== (attempts.at(-1)?.ordinal ?? -1) + 1) throw new Error('an attempt would skip an ordinal');
    await passHaltGate(tx);
    await fillerThatMayGo(tx, attempt.requestId);
    await insertAttempt(tx, attempt);
    await trackTransaction(tx, attempt.chainId, attempt.txHash, attempt.requestId);
    return attempt.txHash;
  });
}
