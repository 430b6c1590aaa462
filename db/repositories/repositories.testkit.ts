import { randomBytes } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { parseAddress, type Address } from '../../domain/address.ts';
import { makeRequestId } from '../../domain/request-id.ts';
import type { WithdrawalStatus } from '../../domain/status.ts';
import type { Database, Transaction } from '../client.ts';
import { withdrawalRequests } from '../schema/index.ts';
import { transact } from '../transact.ts';
import { acceptWithdrawal, type IdempotencyClaim } from './withdrawals/accept-withdrawal.ts';
import type { NewAuditRecord } from './audit/audit-log.ts';
import type { NewAttempt } from './payments/attempts.ts';
import { reserveNonce, type NonceRequest, type NonceReservationRow } from './payments/nonces.ts';
import { addWallet } from './wallets/wallets.ts';
import type { WithdrawalRow } from './withdrawals/withdrawals.ts';

export const CHAIN_ID = 80_002;
export const TOKEN = parseAddress('0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed');
const RECIPIENT = parseAddress('0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359');

export const randomHash = (): `0x${string}` => `0x${randomBytes(32).toString('hex')}`;
export const randomRequestId = (): string => makeRequestId(Date.now(), randomBytes(10));
const sha256Like = () => randomBytes(32).toString('hex');

/** A hot wallet no other test uses. */
export async function newWallet(db: Database): Promise<Address> {
  const address = parseAddress(`0x${randomBytes(20).toString('hex')}`);
  await addWallet(db, { chainId: CHAIN_ID, address, keyId: `test/${address}` });
  return address;
}

/** An accepted withdrawal, moved to `status` by hand. */
export async function newWithdrawal(db: Database, options: { requestId?: string; status?: WithdrawalStatus; claim?: Partial<IdempotencyClaim>; acceptedAt?: Date } = {}): Promise<WithdrawalRow> {
  const { requestId = randomRequestId(), status = 'PENDING', acceptedAt = new Date() } = options;
  const claim = { ownerId: 1, keyHash: sha256Like(), bodyHash: sha256Like(), ...options.claim };
  const acceptance = await acceptWithdrawal(
    db,
    claim,
    { requestId, ownerId: claim.ownerId, correlationId: requestId, network: 'polygon-amoy', chainId: CHAIN_ID, currency: 'USDC', tokenAddress: TOKEN, decimals: 6, amount: 1_000_000n, toAddress: RECIPIENT, seal: sha256Like() },
    auditRow({ action: 'withdrawal.request', targetKind: 'withdrawal', targetId: requestId }),
    acceptedAt,
  );
  if (acceptance.kind !== 'accepted') throw new Error(`a fresh withdrawal was not accepted: ${acceptance.kind}`);
  if (status !== 'PENDING') await db.update(withdrawalRequests).set({ status }).where(eq(withdrawalRequests.requestId, requestId));
  return { ...acceptance.row, status };
}

/** A row for the audit log, of a single call unless told otherwise. */
export function auditRow(change: Partial<NewAuditRecord> = {}): NewAuditRecord {
  return {
    at: new Date(), callId: randomBytes(16).toString('hex'), phase: 'DONE', actorKind: 'account', actorId: 1, actorName: 'user@example.com', via: 'session', ip: '127.0.0.1', userAgent: null, action: 'wallet.pause',
    targetKind: 'wallet', targetId: '0x', status: 200, errorCode: null, stateBefore: null, stateAfter: null, correlationId: 'audit-test', times: 1, ...change,
  };
}

/** Reserves the nonce of a withdrawal, a new one unless it is named, on an otherwise idle chain. */
export async function takeNonce(db: Database, walletAddress: Address, options: Partial<NonceRequest> = {}): Promise<NonceReservationRow> {
  const requestId = options.requestId ?? (await newWithdrawal(db, { status: 'SIGNING' })).requestId;
  const { reservation } = await reserveNonce(db, { chainId: CHAIN_ID, walletAddress, chainNonce: 0, window: 1_000, ...options, requestId });
  return reservation;
}

/** Bytes as a signer would commit them. The contents are random: nothing here is ever sent. */
export function newAttempt(reservation: NonceReservationRow, options: Partial<NewAttempt> = {}): NewAttempt {
  return {
    requestId: reservation.liveRequestId ?? '',
    reservationId: reservation.id,
    ordinal: 0,
    purpose: 'PAY',
    txHash: randomHash(),
    rawTransaction: randomHash(),
    chainId: reservation.chainId,
    nonce: reservation.nonce,
    from: reservation.walletAddress,
    to: TOKEN,
    value: 0n,
    gasLimit: 65_000n,
    maxFeePerGas: 50_000_000_000n,
    maxPriorityFeePerGas: 25_000_000_000n,
    ...options,
  };
}

/** Runs one step in a transaction of its own. */
export const inTransaction = <T>(db: Database, work: (tx: Transaction) => Promise<T>): Promise<T> => transact(db, work);

/** The integers from `start`, `count` of them. */
export const range = (count: number, start = 0): number[] => Array.from({ length: count }, (_, index) => start + index);
