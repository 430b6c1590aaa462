import type { Hash } from '../../activities/chain/blocks.ts';
import { rehearsePayment, paymentCall } from '../../activities/chain/erc20.ts';
import { searchNonceConsumer } from '../../activities/chain/search-nonce-consumer.ts';
import { readFinalReceipt } from '../../activities/chain/receipts.ts';
import { isSignedBy, readMinedTransaction, readRawTransaction, readTransaction, type ChainTransaction } from '../../activities/chain/transactions.ts';
import { isOutflow, makesCall } from '../../activities/forgotten-outflow.ts';
import { getFunds } from '../../db/repositories/payments/funds.ts';
import type { AttemptRow } from '../../db/repositories/payments/attempts.ts';
import type { RestoredAttempt, RestoredNonce } from '../../db/repositories/operations/recovery.ts';
import { sameAddress, type Address } from '../../domain/address.ts';
import { judgePayment } from '../../domain/payment.ts';
import type { AttemptPurpose } from '../../domain/status.ts';
import type { RecoverDeps } from './deps.ts';
import type { Refusal } from './plan.ts';

/** What a withdrawal pays. */
export interface Payment {
  requestId: string;
  tokenAddress: Address | null;
  toAddress: Address;
  amount: bigint;
}

/** One nonce of a request: what the database has of it, and the hashes it lacks, in the order they were signed. */
export interface NonceGroup {
  walletAddress: Address | null;
  nonce: number;
  known: readonly AttemptRow[];
  missing: readonly Hash[];
}

export type NonceRuling =
  /** the chain has not finally ruled; with `lost` bytes that no node shows */
  | { kind: 'open'; lost: number }
  | { kind: 'paid' }
  /** final, and the recipient received something else: the workflow parks it again */
  | { kind: 'mismatch' }
  /** final, and nothing was paid; gas in wei */
  | { kind: 'unpaid'; consumedBy: Hash | null; reverted: boolean; costWei: bigint };

export interface NonceEvidence {
  restored: RestoredNonce;
  ruling: NonceRuling;
  /** how it is known, for a person */
  proof: string;
}

/** Refused as it stands: thrown by what looks for evidence, shown in the plan. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.reason);
    this.refusal = refusal;
  }
}

const refuse = (subject: string, reason: string, advice: string, haltWallet: Refusal['haltWallet'] = null): never => {
  throw new Refused({ subject, reason, advice, haltWallet });
};

/**
 * Finds out from the chain what became of one nonce of a request, and what the database lacks of it. `block` is final.
 * Throws `Refused` for everything that is not proven.
 */
export async function gatherEvidence(deps: RecoverDeps, payment: Payment, group: NonceGroup, block: number, countedOf: (wallet: Address) => number | null): Promise<NonceEvidence> {
  const { requestId } = payment;
  const found: RestoredAttempt[] = [];
  const lost: Hash[] = [];
  let walletAddress = group.walletAddress;
  for (const txHash of group.missing) {
    const transaction = await readTransaction(deps.rpc, txHash);
    if (!transaction) {
      lost.push(txHash);
      continue;
    }
    walletAddress = transaction.from;
    found.push(await attemptOf(deps, payment, group, transaction));
  }
  if (walletAddress === null) return refuse(requestId, `${lost.join(', ')} was signed, no node shows it, and nothing says by which wallet`, `find the transaction, or pay by hand and run again with --leave ${requestId}`);
  const counted = countedOf(walletAddress);
  if (counted === null) return refuse(requestId, `${walletAddress} signed for it and is no wallet of this database`, 'add the wallet with "npm run keys -- import", then run again');
  const restored = { walletAddress, nonce: group.nonce, attempts: found, ended: null };
  const purposes = new Map<string, AttemptPurpose>([...group.known.map(({ txHash, purpose }) => [txHash, purpose] as const), ...found.map(({ txHash, purpose }) => [txHash, purpose] as const)]);

  if (counted <= group.nonce) {
    const placeholders = lost.length === 0 ? [] : await Promise.all(lost.map((txHash) => placeholder(deps, payment, group, walletAddress, txHash, found)));
    // In the order they were signed, so that the newest bytes are the ones sent again.
    const attempts = group.missing.flatMap((txHash) => [...found, ...placeholders].filter((attempt) => attempt.txHash === txHash));
    const proof = lost.length === 0 ? `nonce ${group.nonce} is not final yet; a node has the bytes` : `nonce ${group.nonce} is not used, and no node shows ${lost.join(', ')}: it will be voided on chain`;
    return { restored: { ...restored, attempts }, ruling: { kind: 'open', lost: lost.length }, proof };
  }
  // Finally consumed: whatever no node shows of ours is dead now.
  const consumer = await searchNonceConsumer(deps.rpc, walletAddress, group.nonce, block);
  if (!consumer || consumer === 'unknown') return refuse(requestId, `nonce ${group.nonce} of ${walletAddress} is used, and the node does not show by what`, 'ask a node with the full history (POLYGON_RPC_URL)');
  const purpose = purposes.get(consumer.txHash);
  if (purpose === undefined) return foreignConsumer(deps, payment, restored, consumer.txHash);
  const receipt = await readFinalReceipt(deps.rpc, consumer.txHash);
  const transaction = await readMinedTransaction(deps.rpc, consumer.txHash);
  if (!receipt || !transaction) return refuse(requestId, `the node does not show the receipt of ${consumer.txHash}`, 'ask a node with the full history (POLYGON_RPC_URL)');
  const proof = `${consumer.txHash} in final block ${consumer.blockNumber}`;
  const costWei = receipt.gasUsed * receipt.effectiveGasPrice;
  if (purpose === 'VOID') return { restored, ruling: { kind: 'unpaid', consumedBy: consumer.txHash, reverted: false, costWei }, proof: `${proof} paid nobody` };
  const verdict = judgePayment({ succeeded: receipt.succeeded, to: transaction.to, value: transaction.value, logs: receipt.logs }, { walletAddress, toAddress: payment.toAddress, tokenAddress: payment.tokenAddress, amount: payment.amount });
  if (verdict.kind === 'unpaid') return { restored, ruling: { kind: 'unpaid', consumedBy: consumer.txHash, reverted: true, costWei }, proof: `${proof} moved nothing` };
  return { restored, ruling: { kind: verdict.kind }, proof: verdict.kind === 'paid' ? `${proof} pays it` : `${proof} paid something else` };
}

/** A transaction that none of our known hashes names. The very payment, on the request's own nonce, is ours all the same. */
async function foreignConsumer(deps: RecoverDeps, payment: Payment, restored: RestoredNonce, txHash: Hash): Promise<NonceEvidence> {
  const transaction = await readMinedTransaction(deps.rpc, txHash);
  if (transaction && makesCall(transaction, payment)) {
    return gatherEvidence(deps, payment, { walletAddress: restored.walletAddress, nonce: restored.nonce, known: [], missing: [...restored.attempts.map((attempt) => attempt.txHash), txHash] }, transaction.blockNumber ?? 0, () => Infinity);
  }
  if (!transaction || (await isOutflow(deps, transaction))) {
    return refuse(txHash, `it used nonce ${restored.nonce} of ${restored.walletAddress}, which ${payment.requestId} had signed, and moved value to somebody else`, outflowAdvice(txHash), {
      address: restored.walletAddress,
      nonce: restored.nonce,
      txHash,
    });
  }
  return { restored, ruling: { kind: 'unpaid', consumedBy: null, reverted: false, costWei: 0n }, proof: `${txHash} used its nonce and moved nothing` };
}

/** What a person can do about an outflow nobody explains. */
export function outflowAdvice(txHash: string): string {
  return `find out who sent it: if it paid a withdrawal, close that one by hand; if the key is out, replace the wallet. Then run again with --leave ${txHash}`;
}

async function attemptOf(deps: RecoverDeps, payment: Payment, group: NonceGroup, transaction: ChainTransaction): Promise<RestoredAttempt> {
  const { hash, from, to, value, input } = transaction;
  const { requestId } = payment;
  if (transaction.nonce !== group.nonce || (group.walletAddress !== null && !sameAddress(from, group.walletAddress))) {
    return refuse(requestId, `${hash} was signed for nonce ${group.nonce} of ${group.walletAddress ?? 'some wallet'}, but carries nonce ${transaction.nonce} of ${from}`, 'a history of Temporal was tampered with, or is of another chain');
  }
  const voids = to !== null && sameAddress(to, from) && value === 0n && input === '0x';
  if (to === null || (!voids && !makesCall(transaction, payment))) return refuse(requestId, `${hash} was signed for it, but pays something else`, `compare the transaction with the request, settle by hand and run again with --leave ${requestId}`);
  const rawTransaction = await readRawTransaction(deps.rpc, hash);
  if (rawTransaction === null) return refuse(requestId, `the bytes of ${hash} cannot be had from the node`, 'ask a node that serves eth_getRawTransactionByHash (POLYGON_RPC_URL)');
  if (!isSignedBy(rawTransaction, transaction)) return refuse(requestId, `a node shows ${hash} otherwise than its signed bytes say`, 'leave that node out (POLYGON_RPC_URL)');
  const { gasLimit, maxFeePerGas, maxPriorityFeePerGas } = transaction;
  return { txHash: hash, rawTransaction, purpose: voids ? 'VOID' : 'PAY', to, value, gasLimit, maxFeePerGas, maxPriorityFeePerGas };
}

/**
 * A signed hash whose bytes nobody shows. Whoever has them can still have them mined, so it is watched for and its nonce
 * is voided: the broadcaster refuses to send what does not fit its hash, and the workflow then consumes the nonce on
 * chain. Fees and gas are today's; they only tell the void what to outbid.
 */
async function placeholder(deps: RecoverDeps, payment: Payment, group: NonceGroup, walletAddress: Address, txHash: Hash, found: readonly RestoredAttempt[]): Promise<RestoredAttempt> {
  const call = paymentCall(payment);
  const maxFeePerGas = BigInt(await deps.rpc.call<string>('eth_gasPrice', []));
  const minimumTip = BigInt(deps.settings.chain.minimumTipWei);
  const known = group.known.at(-1)?.gasLimit ?? found.at(-1)?.gasLimit ?? (await getFunds(deps.db, payment.requestId))?.gasLimit;
  const gasLimit = known ?? ((await rehearsePayment(deps.rpc, walletAddress, call)) * BigInt(100 + deps.settings.chain.gasLimitMarginPercent)) / 100n;
  return { txHash, rawTransaction: '0x', purpose: 'PAY', to: call.to, value: call.value, gasLimit, maxFeePerGas, maxPriorityFeePerGas: minimumTip < maxFeePerGas ? minimumTip : maxFeePerGas };
}
