import type { Redis } from 'ioredis';
import type { Address } from '../domain/address.ts';
import type { Settings } from '../domain/settings.ts';
import type { Database } from '../db/client.ts';
import type { CrashPoint } from '../db/crash-point.ts';
import { listAttempts } from '../db/repositories/payments/attempts.ts';
import { attemptFees } from './attempt-fees.ts';
import { PLAIN_SEND_GAS, voidCall } from './chain/erc20.ts';
import type { Rpc } from './chain/rpc.ts';
import { commitFiller } from './commit-filler.ts';
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

/**
 * Signs the transaction that consumes a nonce nobody holds: zero value, from the wallet to itself. It can move nothing but
 * its gas, so it needs no withdrawal, no seal and no reserved funds; that the nonce is a filler's is checked here again.
 * The bytes are committed before anyone can send them.
 *
 * Called twice, or by two signers at once, for one ordinal: the bytes committed first stand and the second ones are
 * forgotten, unsent. Dies after signing: nothing was committed, and the next look asks again.
 */
export function makeSignFiller(ports: SignFillerPorts) {
  const { db } = ports;

  return moneyActivity('signFiller', ports.log, async ({ requestId, ordinal }: SignFillerInput): Promise<SignFillerResult> => {
    const filler = await fillerThatMayGo(db, requestId);
    if (!filler) return { kind: 'gone' };
    const { reservation, wallet } = filler;
    const attempts = await listAttempts(db, reservation.id);
    const done = attempts.find((attempt) => attempt.ordinal >= ordinal);
    if (done) return { kind: 'signed', txHash: done.txHash };
    const fees = await attemptFees(ports, PLAIN_SEND_GAS, attempts.at(-1));
    if (fees === null) return { kind: 'held' };

    const { data, ...call } = voidCall(wallet.address as Address);
    const terms = { ...call, gasLimit: PLAIN_SEND_GAS, nonce: reservation.nonce, chainId: reservation.chainId, ...fees };
    const signed = await ports.signer.signTransaction({ keyId: wallet.keyId, chainId: reservation.chainId, address: wallet.address, transaction: { ...terms, data } });
    const txHash = await commitFiller(db, reservation, { requestId, reservationId: reservation.id, ordinal, purpose: 'VOID', from: wallet.address, ...terms, ...signed });
    if (txHash === null) return { kind: 'gone' };
    ports.crashPoint('bytes-committed');
    ports.log.warn({ requestId, nonce: reservation.nonce, txHash, gasWeiMax: (PLAIN_SEND_GAS * fees.maxFeePerGas).toString() }, 'a filler was signed');
    return { kind: 'signed', txHash };
  });
}
