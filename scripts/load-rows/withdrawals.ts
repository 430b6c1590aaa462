import type { InferInsertModel } from 'drizzle-orm';
import type { deadLetters, fundReservations, idempotencyKeys, nonceReservations, outbox, signedTransactions, transactions, withdrawalEvents, withdrawalRequests } from '../../db/schema/index.ts';
import { ERROR_CATALOGUE, type ErrorCode } from '../../domain/errors.ts';
import { isEnd, type WithdrawalStatus } from '../../domain/status.ts';
import type { Cast } from './cast.ts';
import type { Chance } from './random.ts';

type Hex = `0x${string}`;

/** Everything the engine would have written about some withdrawals, by table. */
export interface WithdrawalRows {
  requests: InferInsertModel<typeof withdrawalRequests>[];
  keys: InferInsertModel<typeof idempotencyKeys>[];
  outbox: InferInsertModel<typeof outbox>[];
  funds: InferInsertModel<typeof fundReservations>[];
  nonces: InferInsertModel<typeof nonceReservations>[];
  attempts: InferInsertModel<typeof signedTransactions>[];
  transactions: InferInsertModel<typeof transactions>[];
  events: InferInsertModel<typeof withdrawalEvents>[];
  deadLetters: InferInsertModel<typeof deadLetters>[];
}

/** Where a run of withdrawals stands: what the next one continues. */
export interface Progress {
  nextReservationId: number;
  nonces: Map<Hex, number>;
}

const GAS_LIMIT = 65_000n;
const GAS_USED = 51_000n;
const TIP_WEI = 25_000_000_000n;
const BLOCK_MS = 2_000;
/** Younger ones may still be on their way. */
const UNDER_WAY_MS = 20_000;
const UNDER_WAY = ['PENDING', 'SIGNING', 'SIGNED', 'BROADCASTING', 'BROADCASTED', 'CONFIRMING'] as const satisfies readonly WithdrawalStatus[];
/** How many of a thousand come to no good end, and by which error. */
const MISHAPS: readonly { perMille: number; status: WithdrawalStatus; code: ErrorCode }[] = [
  { perMille: 8, status: 'FAILED', code: 'INSUFFICIENT_BALANCE' },
  { perMille: 6, status: 'FAILED', code: 'TRANSFER_REFUSED' },
  { perMille: 8, status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST' },
  { perMille: 5, status: 'REJECTED', code: 'REJECTED_BY_APPROVER' },
  { perMille: 0.2, status: 'DEAD_LETTERED', code: 'SEND_REJECTED' },
];
const SIGNED_ON: ReadonlySet<WithdrawalStatus> = new Set(['SIGNED', 'BROADCASTING', 'BROADCASTED', 'CONFIRMING', 'DEAD_LETTERED', 'COMPLETED']);
const SENT_ON: ReadonlySet<WithdrawalStatus> = new Set(['BROADCASTED', 'CONFIRMING', 'COMPLETED']);

export const noRows = (): WithdrawalRows => ({ requests: [], keys: [], outbox: [], funds: [], nonces: [], attempts: [], transactions: [], events: [], deadLetters: [] });

/**
 * Adds one withdrawal accepted at `acceptedAt`, as it stands at `now`. The same chance and the same cast make the same rows. Seals
 * and signatures are random: nothing here can be signed or sent.
 */
export function addWithdrawal(rows: WithdrawalRows, acceptedAt: Date, now: Date, cast: Cast, chance: Chance, progress: Progress): void {
  const asset = chance.pick(cast.assets);
  const { currency, chainId, decimals } = asset;
  const requestId = `tx-${acceptedAt.getTime()}-${chance.hex(10)}`;
  const tokenAddress = asset.tokenAddress ?? null;
  // A few take most of it, as everywhere.
  const ownerId = 1 + Math.floor(chance.next() ** 3 * cast.users.length);
  const toAddress = cast.recipients[Math.floor(chance.next() ** 2 * cast.recipients.length)] as Hex;
  const amount = BigInt(1 + chance.below(999_999)) * 10n ** BigInt(decimals - 3);
  const { status, code } = fateOf(chance, now.getTime() - acceptedAt.getTime());
  const at = (ms: number) => new Date(Math.min(acceptedAt.getTime() + ms, now.getTime()));
  const signedAt = at(chance.lateness(400));
  const broadcastedAt = new Date(signedAt.getTime() + chance.lateness(60));
  const finalAt = at(signedAt.getTime() - acceptedAt.getTime() + chance.lateness(4 * BLOCK_MS));
  const endedAt = isEnd(status) ? finalAt : null;
  const wallet = status === 'PENDING' || status === 'FAILED' || status === 'REJECTED' ? null : chance.pick(cast.wallets).address;
  const keyHash = chance.hex(32);
  const event = (type: string, entered: WithdrawalStatus | null, createdAt: Date, detail = {}) => rows.events.push({ requestId, type, status: entered, detail, createdAt });

  rows.keys.push({ ownerId, keyHash, bodyHash: keyHash, requestId, createdAt: acceptedAt });
  rows.outbox.push({ requestId, createdAt: acceptedAt, dispatchedAt: at(20) });
  event('accepted', 'PENDING', acceptedAt);
  const base = { requestId, chainId, status, signedAt, broadcastedAt, finalAt, wallet, tokenAddress, toAddress, amount, now };
  if (wallet !== null) event('funds reserved', null, at(150), { wallet, gasLimit: GAS_LIMIT.toString() });
  const paidBy = wallet !== null && SIGNED_ON.has(status) ? addAttempts(rows, { ...base, wallet }, chance, progress, event) : null;
  if (wallet !== null) addFunds(rows, { ...base, wallet });
  if (endedAt && status !== 'COMPLETED') event('ended', status, endedAt);
  if (code !== null && status === 'DEAD_LETTERED') {
    event('parked', status, finalAt, { code });
    rows.deadLetters.push({ requestId, openKey: requestId, chainId, currency, code, class: ERROR_CATALOGUE[code].class, reason: 'the node refused it', parkedAt: finalAt });
  }
  rows.requests.push({
    requestId, ownerId, correlationId: requestId, network: asset.network, chainId, currency, tokenAddress, decimals, amount, toAddress, status,
    seal: chance.hex(32),
    walletAddress: wallet,
    hasLivePayment: paidBy !== null && !isEnd(status),
    txHash: paidBy,
    paidTxHash: status === 'COMPLETED' ? paidBy : null,
    paidLogIndex: status === 'COMPLETED' ? 0 : null,
    errorCode: code,
    errorMessage: code === null ? null : 'made up by load-rows',
    createdAt: acceptedAt,
    updatedAt: endedAt ?? signedAt,
    completedAt: endedAt,
  });
}

function fateOf(chance: Chance, ageMs: number): { status: WithdrawalStatus; code: ErrorCode | null } {
  if (ageMs < UNDER_WAY_MS) return { status: chance.pick(UNDER_WAY), code: null };
  let draw = chance.next() * 1_000;
  for (const { perMille, status, code } of MISHAPS) {
    if (draw < perMille) return { status, code };
    draw -= perMille;
  }
  return { status: 'COMPLETED', code: null };
}

interface Signed {
  requestId: string;
  chainId: number;
  status: WithdrawalStatus;
  signedAt: Date;
  broadcastedAt: Date;
  finalAt: Date;
  wallet: Hex;
  tokenAddress: Hex | null;
  toAddress: Hex;
  amount: bigint;
  now: Date;
}

/** One nonce, and on it one attempt, now and then replaced by a dearer one. @returns the hash that pays */
function addAttempts(rows: WithdrawalRows, of: Signed, chance: Chance, progress: Progress, event: (type: string, entered: WithdrawalStatus | null, at: Date, detail?: object) => void): Hex {
  const { requestId, chainId, status, signedAt, broadcastedAt, finalAt, wallet } = of;
  const nonce = progress.nonces.get(wallet) ?? 0;
  progress.nonces.set(wallet, nonce + 1);
  const reservationId = progress.nextReservationId;
  progress.nextReservationId += 1;
  const isSent = SENT_ON.has(status);
  const isDone = status === 'COMPLETED';
  const bumps = !isDone || chance.next() > 0.06 ? 0 : 1 + chance.below(2);
  let last: Hex = '0x';
  for (let ordinal = 0; ordinal <= bumps; ordinal += 1) {
    const isLast = ordinal === bumps;
    const txHash = `0x${chance.hex(32)}` as const;
    const maxPriorityFeePerGas = (TIP_WEI * BigInt(100 + 12 * ordinal)) / 100n;
    const blockNumber = Math.floor((finalAt.getTime() - 1_700_000_000_000) / BLOCK_MS);
    rows.attempts.push({
      requestId, reservationId, ordinal, purpose: 'PAY', txHash, chainId, nonce, from: wallet, to: of.tokenAddress ?? of.toAddress, value: of.tokenAddress === null ? of.amount : 0n, gasLimit: GAS_LIMIT, maxPriorityFeePerGas,
      // As long as the real thing.
      rawTransaction: `0x02${txHash.slice(2).repeat(5)}`,
      maxFeePerGas: maxPriorityFeePerGas * 2n,
      status: !isLast ? 'REPLACED' : isDone ? 'CONFIRMED' : isSent ? 'BROADCASTED' : 'SIGNED',
      signedAt,
      broadcastedAt: isSent ? broadcastedAt : null,
      confirmedAt: isLast && isDone ? finalAt : null,
    });
    const mined = isLast && isDone ? { blockNumber, blockHash: txHash, gasUsed: GAS_USED, effectiveGasPrice: maxPriorityFeePerGas, costWei: GAS_USED * maxPriorityFeePerGas, seenAt: finalAt, finalizedAt: finalAt } : {};
    rows.transactions.push({ chainId, txHash, requestId, status: isLast && isDone ? 'SUCCEEDED' : 'PENDING', updatedAt: finalAt, ...mined });
    event(ordinal === 0 ? 'signed' : 'replacement signed', ordinal === 0 ? 'SIGNED' : null, signedAt, { nonce, txHash, ordinal, purpose: 'PAY' });
    last = txHash;
  }
  if (isSent) event('sent', 'BROADCASTED', broadcastedAt, { txHash: last, answer: 'accepted' });
  if (isDone) event('settled', 'COMPLETED', finalAt, { txHash: last });
  rows.nonces.push({ id: reservationId, chainId, walletAddress: wallet, nonce, requestId, liveRequestId: isDone ? null : requestId, generation: 1, state: isDone ? 'CONSUMED' : 'SIGNED', consumedBy: isDone ? last : null, updatedAt: finalAt });
  return last;
}

function addFunds(rows: WithdrawalRows, { requestId, chainId, status, wallet, tokenAddress, amount, signedAt, finalAt }: Signed): void {
  const gasWei = GAS_LIMIT * TIP_WEI * 2n;
  const state = status === 'COMPLETED' ? 'CONSUMED' : isEnd(status) ? 'RELEASED' : 'HELD';
  const settled = state === 'HELD' ? {} : { spentAmount: state === 'CONSUMED' ? amount : 0n, spentGasWei: state === 'CONSUMED' ? GAS_USED * TIP_WEI : 0n, settledAt: finalAt };
  rows.funds.push({ requestId, chainId, walletAddress: wallet, tokenAddress, amount, gasLimit: GAS_LIMIT, gasWei, state, createdAt: signedAt, ...settled });
}
