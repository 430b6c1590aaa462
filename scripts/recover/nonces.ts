import { searchNonceConsumer } from '../../activities/chain/search-nonce-consumer.ts';
import { readMinedTransaction } from '../../activities/chain/transactions.ts';
import { isOutflow } from '../../activities/forgotten-outflow.ts';
import { listAttempts } from '../../db/repositories/payments/attempts.ts';
import { listKnownNonces, listUnbooked, readNonceTruth, type RequestRepair } from '../../db/repositories/operations/recovery.ts';
import type { WalletRow } from '../../db/repositories/wallets/wallets.ts';
import type { Address } from '../../domain/address.ts';
import type { RecoverDeps } from './deps.ts';
import { outflowAdvice } from './nonce-evidence.ts';
import type { NonceItem, Refusal } from './plan.ts';

export interface NoncePlan {
  item: NonceItem | null;
  refusals: Refusal[];
}

/** More unexplained nonces than this are a wrong chain, not a backup. */
const EXPLAINED_MAX = 20_000;

/**
 * Explains every nonce the chain has counted of a wallet beyond what the requests explain: used without an outflow, it is
 * passed over; with one, it is refused. Holes below the nonces that are restored are freed. Reads only.
 */
export async function planNonces(deps: RecoverDeps, wallet: WalletRow, restored: readonly RequestRepair[], place: { block: number; counted: number }, leave: ReadonlySet<string>): Promise<NoncePlan> {
  const walletAddress = wallet.address as Address;
  const ours = new Set(restored.flatMap((repair) => repair.nonces.filter((nonce) => nonce.walletAddress === walletAddress).map(({ nonce }) => nonce)));
  if (wallet.nextNonce === null && ours.size === 0) return { item: null, refusals: [] };
  const base = wallet.nextNonce ?? Math.min(...ours);
  const next = Math.max(base, place.counted, ...[...ours].map((nonce) => nonce + 1));
  if (next - base > EXPLAINED_MAX) return { item: null, refusals: [{ subject: walletAddress, reason: `the chain is ${next - base} nonces ahead`, advice: 'this is another chain, or a wallet used by somebody else', haltWallet: { address: walletAddress, nonce: base, txHash: null } }] };

  const known = await listKnownNonces(deps.db, wallet, base);
  const unbooked = await listUnbooked(deps.db, wallet, place.counted);
  const candidates: number[] = [];
  for (const { id, nonce, state } of unbooked) {
    if (ours.has(nonce)) continue;
    // Bytes of ours are there: their own request explains them.
    if ((state === 'SIGNED' || state === 'VOIDING') && (await listAttempts(deps.db, id)).length > 0) continue;
    candidates.push(nonce);
  }
  for (let nonce = base; nonce < place.counted; nonce += 1) if (!ours.has(nonce) && !known.has(nonce)) candidates.push(nonce);

  const foreign: number[] = [];
  const refusals: Refusal[] = [];
  for (const nonce of candidates) {
    const found = await searchNonceConsumer(deps.rpc, walletAddress, nonce, place.block);
    const consumer = found === 'unknown' ? null : found;
    const transaction = consumer && (await readMinedTransaction(deps.rpc, consumer.txHash));
    if (!transaction) {
      refusals.push({ subject: walletAddress, reason: `nonce ${nonce} is used, and the node does not show by what`, advice: 'ask a node with the full history (POLYGON_RPC_URL)', haltWallet: null });
    } else if (!leave.has(transaction.hash) && (await isOutflow(deps, transaction))) {
      refusals.push({ subject: transaction.hash, reason: `it used nonce ${nonce} of ${walletAddress}, moved value out of it, and no withdrawal explains it`, advice: outflowAdvice(transaction.hash), haltWallet: { address: walletAddress, nonce, txHash: transaction.hash } });
    } else foreign.push(nonce);
  }
  const holes = [];
  for (let nonce = Math.max(base, place.counted); nonce < next; nonce += 1) if (!ours.has(nonce) && !known.has(nonce)) holes.push(nonce);
  const behind = next - base;
  if (behind === 0 && foreign.length === 0) return { item: null, refusals };
  const missing = [behind > 0 ? `${behind} nonces behind` : null, foreign.length > 0 ? `${foreign.length} used by strangers without an outflow` : null, holes.length > 0 ? `${holes.length} holes` : null].filter((part) => part !== null).join(', ');
  return { item: { walletAddress, foreign, next, missing, proof: `the chain counts ${place.counted} at final block ${place.block}` }, refusals };
}

/** What the front in Redis lacks of a wallet, or null when it agrees with MySQL. Null too when Redis is away: it repairs itself. */
export async function frontDifference(deps: RecoverDeps, wallet: WalletRow): Promise<string | null> {
  const truth = await readNonceTruth(deps.db, wallet);
  if (!truth) return null;
  const key = (part: string) => `nonce:{${wallet.chainId}:${wallet.address}}:${part}`;
  const [next, freed, held] = await Promise.all([deps.redis.get(key('next')), deps.redis.zrange(key('freed'), '0', '-1'), deps.redis.hgetall(key('held'))]);
  if (next === null) return 'empty';
  const sameNext = Number(next) === truth.next;
  const sameFreed = freed.map(Number).join() === truth.freed.join();
  const sameHeld = Object.keys(held).length === truth.held.length && truth.held.every(({ requestId, nonce }) => held[requestId] === String(nonce));
  return sameNext && sameFreed && sameHeld ? null : 'differs from MySQL';
}
