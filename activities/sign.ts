import type { Redis } from 'ioredis';
import type { Address } from '../domain/address.ts';
import { EngineError } from '../domain/errors.ts';
import type { Fees } from '../domain/fees.ts';
import type { Settings } from '../domain/settings.ts';
import { isEnd, type AttemptPurpose } from '../domain/status.ts';
import type { Database } from '../db/client.ts';
import type { CrashPoint } from '../db/crash-point.ts';
import { hasAttempt, listAttempts, type AttemptRow } from '../db/repositories/payments/attempts.ts';
import { getFunds } from '../db/repositories/payments/funds.ts';
import { haltForRecovery } from '../db/repositories/payments/books.ts';
import { assertNotHalted } from '../db/repositories/operations/halts.ts';
import { freeNonce, getLiveReservation, type NonceReservationRow } from '../db/repositories/payments/nonces.ts';
import { getWallet, type WalletRow } from '../db/repositories/wallets/wallets.ts';
import { getWithdrawal, lockWithdrawal, type WithdrawalRow } from '../db/repositories/withdrawals/withdrawals.ts';
import { transact } from '../db/transact.ts';
import { paymentCall, PLAIN_SEND_GAS, voidCall, type Call } from './chain/erc20.ts';
import type { Rpc } from './chain/rpc.ts';
import { assertApproved, assertSealed } from './assert-approved.ts';
import { attemptFees } from './attempt-fees.ts';
import { commitAttempt } from './commit-attempt.ts';
import type { Signer } from './custody/signer.ts';
import { moneyActivity, type ActivityLog } from './failure.ts';
import type { NonceFront } from './nonce-front.ts';
import { createSignedUsage } from './signed-usage.ts';
import { takeNonce } from './take-nonce.ts';

export interface SignPorts {
  db: Database;
  redis: Redis;
  rpc: Rpc;
  signer: Signer;
  nonceFront: NonceFront;
  sealKey: Uint8Array;
  settings: Settings;
  crashPoint: CrashPoint;
  log: ActivityLog;
}

export interface SignInput {
  requestId: string;
  /**
   * `pay`: the first attempt on this withdrawal's nonce. `replace`: the newest attempt again at a higher fee. `void`: a
   * transaction that consumes the nonce and pays nobody; after it no paying attempt is ever signed on that nonce.
   */
  mode: 'pay' | 'replace' | 'void';
  /** the newest hash the workflow was told of, if any: a database without it has forgotten what was signed */
  knownTxHash?: string | null;
}

export type SignResult =
  | { kind: 'signed'; txHash: string; nonce: number }
  /** a cancel intent stands: nothing that pays is signed, now or later */
  | { kind: 'cancelled' }
  /** a fee limit forbids signing now: for `pay` nothing is reserved yet, wait and ask again; otherwise wait and send the same bytes again */
  | { kind: 'held' }
  /** the withdrawal has ended, or the nonce that was to be replaced or voided is settled */
  | { kind: 'nothing' };

/**
 * Reserves the nonce, re-checks the request against the database by itself, signs, and commits the bytes before anyone
 * can send them.
 *
 * Called twice, or by two signers at once: the request has one nonce, an attempt's ordinal is unique, and who comes
 * second is given the bytes of the first. Dies after reserving: the same request gets the same nonce. Dies after
 * signing: the bytes were never committed, so nobody can send them. Throws `SEAL_BROKEN` for a row changed after it was
 * accepted or approved, `APPROVAL_MISSING` where the policy or its approvers have not let it pass, `ADDRESS_NOT_ALLOWED` for a recipient who was denylisted since, `KEY_INVALID`, `BOOKS_BEHIND` when the database lacks a hash the workflow was told of (everything is halted
 * then), `HALTED` while a person's halt stands, and transient codes that are retried.
 */
export function makeSign(ports: SignPorts) {
  const { db, settings } = ports;
  const usage = createSignedUsage({ db, sealKey: ports.sealKey, chainId: settings.chain.chainId });

  return moneyActivity('sign', ports.log, async ({ requestId, mode, knownTxHash = null }: SignInput): Promise<SignResult> => {
    const request = await getWithdrawal(db, requestId);
    await assertRemembered(request, knownTxHash);
    await assertSealed(ports, request);
    const before = await attemptsOf(requestId);
    const done = alreadyDone(mode, request, before.attempts);
    if (done) return done;

    const walletAddress = request.walletAddress;
    const funds = await getFunds(db, requestId);
    if (walletAddress === null || funds?.state !== 'HELD') throw new EngineError('INVALID_STATE', { reason: 'no funds are reserved' });
    const listing = mode === 'void' ? null : await assertApproved({ ...ports, usage }, request);
    if (mode === 'pay' && listing?.isDenied) await refuseDenied(requestId);
    const wallet = await getWallet(db, request.chainId, walletAddress);
    await assertMaySign(request, wallet, mode);

    const previous = before.attempts.at(-1);
    const purpose: AttemptPurpose = mode === 'void' || previous?.purpose === 'VOID' ? 'VOID' : 'PAY';
    const call = purpose === 'VOID' ? voidCall(walletAddress as Address) : paymentCall({ tokenAddress: request.tokenAddress as Address | null, toAddress: request.toAddress as Address, amount: request.amount });
    const gasLimit = purpose === 'VOID' ? PLAIN_SEND_GAS : funds.gasLimit;
    const fees = await attemptFees(ports, gasLimit, previous);
    if (fees === null) {
      await giveBackUnsigned(requestId);
      return { kind: 'held' };
    }

    const reservation = before.reservation ?? (await takeNonce(ports, { requestId, chainId: request.chainId, walletAddress: walletAddress as Address, window: settings.chain.inFlightWindow }));
    if (previous === undefined) ports.crashPoint('nonce-reserved');
    const signed = await signWith(wallet.keyId, request, call, { ...fees, gasLimit, nonce: reservation.nonce, walletAddress });
    const committed = await commitAttempt(db, {
      requestId,
      reservation,
      attempt: { requestId, reservationId: reservation.id, ordinal: (previous?.ordinal ?? -1) + 1, purpose, ...signed, chainId: request.chainId, nonce: reservation.nonce, from: walletAddress, to: call.to, value: call.value, gasLimit, ...fees },
    });
    if (committed.kind === 'cancelled') return committed;
    ports.crashPoint('bytes-committed');
    return { kind: 'signed', txHash: committed.attempt.txHash, nonce: committed.attempt.nonce };
  });

  async function attemptsOf(requestId: string): Promise<{ reservation: NonceReservationRow | null; attempts: AttemptRow[] }> {
    const reservation = await getLiveReservation(db, requestId);
    // A reservation without bytes is taken again through the wallet's lock: the chain may have passed it meanwhile.
    if (reservation === null || reservation.state === 'RESERVED') return { reservation: null, attempts: [] };
    return { reservation, attempts: await listAttempts(db, reservation.id) };
  }

  /** A hash that was handed out and is gone from the database means a restored backup: signing on could pay again. */
  async function assertRemembered(request: WithdrawalRow, knownTxHash: string | null): Promise<void> {
    if (knownTxHash === null || (await hasAttempt(db, request.requestId, knownTxHash))) return;
    const reason = `${request.requestId} was signed as ${knownTxHash}, which the database does not have`;
    await haltForRecovery(db, { chainId: request.chainId, reason, setBy: 'signing-service', detail: { requestId: request.requestId, txHash: knownTxHash } }, ports.log);
    throw new EngineError('BOOKS_BEHIND', { requestId: request.requestId });
  }

  /** Just before signing. What stands still holds no nonce: an unsigned one goes back, or the payments of others would wait behind it. */
  async function assertMaySign(request: WithdrawalRow, wallet: WalletRow, mode: SignInput['mode']): Promise<void> {
    try {
      if (wallet.status === 'HALTED' || (wallet.status === 'PAUSED' && mode === 'pay')) throw new EngineError('WALLET_UNAVAILABLE', { wallet: wallet.address, reason: wallet.status });
      if (mode !== 'void') await assertNotHalted(db, { chainId: request.chainId, tokenAddress: request.tokenAddress, walletAddress: wallet.address });
    } catch (error) {
      await giveBackUnsigned(request.requestId);
      throw error;
    }
  }

  /** A nonce that was reserved by an earlier run and never signed on; with bytes on it, nothing happens. */
  async function giveBackUnsigned(requestId: string): Promise<void> {
    const freed = await transact(db, async (tx) => {
      await lockWithdrawal(tx, requestId);
      return freeNonce(tx, requestId);
    });
    if (freed) await ports.nonceFront.release(freed.chainId, freed.walletAddress, requestId, freed.nonce);
  }

  /** An entry that came into force after the policy had let it pass: while people were asked, or while it was parked. */
  async function refuseDenied(requestId: string): Promise<never> {
    await giveBackUnsigned(requestId);
    throw new EngineError('ADDRESS_NOT_ALLOWED');
  }

  async function signWith(keyId: string, request: WithdrawalRow, call: Call, terms: Fees & { gasLimit: bigint; nonce: number; walletAddress: string }) {
    const { walletAddress, ...rest } = terms;
    try {
      return await ports.signer.signTransaction({
        keyId,
        chainId: request.chainId,
        address: walletAddress,
        transaction: { to: call.to, value: call.value, data: call.data, chainId: request.chainId, ...rest },
      });
    } catch (error) {
      if (error instanceof EngineError && error.code === 'KEY_UNAVAILABLE' && error.parameters['reason'] !== 'secret-store-unavailable') {
        throw new EngineError('KEY_INVALID', error.parameters, { cause: error });
      }
      throw error;
    }
  }
}

/** What a repeated call is answered with, before anything is reserved. */
function alreadyDone(mode: SignInput['mode'], request: WithdrawalRow, attempts: readonly AttemptRow[]): SignResult | null {
  const latest = attempts.at(-1);
  if (isEnd(request.status) || (mode !== 'pay' && latest === undefined)) return { kind: 'nothing' };
  if (request.paidTxHash !== null) throw new EngineError('PAYMENT_MISMATCH', { txHash: request.paidTxHash });
  if (latest && answersAlready(mode, latest)) return { kind: 'signed', txHash: latest.txHash, nonce: latest.nonce };
  const wouldPay = mode === 'pay' || (mode === 'replace' && latest?.purpose === 'PAY');
  if (request.cancelIntentAt !== null && wouldPay) return { kind: 'cancelled' };
  return null;
}

/** True when the newest attempt is what this call would make: a call repeated after its answer was lost signs nothing more. */
function answersAlready(mode: SignInput['mode'], latest: AttemptRow): boolean {
  switch (mode) {
    case 'pay':
      return true;
    case 'void':
      return latest.purpose === 'VOID';
    case 'replace':
      return latest.status === 'SIGNED';
    default:
      return mode satisfies never;
  }
}
