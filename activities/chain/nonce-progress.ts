import type { Rpc } from './rpc.ts';
import { readTransactionCount } from './blocks.ts';

/** A wallet's transaction counts, as one node sees them. */
export interface WalletCounts {
  /** in the chain: the lowest nonce that is not mined */
  latest: number;
  /** with the node's waiting transactions: the lowest nonce it holds no bytes for */
  pending: number;
}

/** `stuck`: the lowest unmined nonce, its bytes known. `lost`: no bytes known. `waiting`: somebody else's turn. */
export type NonceProgress = 'stuck' | 'lost' | 'waiting';

/** Nodes promise an account this many pending slots (geth and bor: `accountslots`): the bytes worth sending again at once. */
const RESENT_AT_ONCE = 16;

/**
 * Why a nonce is still unmined. Only the lowest one of a wallet can be stuck; the others wait for it. Of the lost ones
 * only the first few are named: a node keeps no more, and the rest have their turn once these are known.
 *
 * A lagging node's count can be too low. Then bytes are sent again that need not be: the same bytes, one payment.
 */
export function judgeNonce(nonce: number, { latest, pending }: WalletCounts): NonceProgress {
  if (nonce < latest) return 'waiting';
  const known = Math.max(latest, pending);
  if (nonce >= known) return nonce < known + RESENT_AT_ONCE ? 'lost' : 'waiting';
  return nonce === latest ? 'stuck' : 'waiting';
}

/** Two calls a wallet, however many of its nonces wait. */
export async function readWalletCounts(rpc: Rpc, wallet: string): Promise<WalletCounts> {
  const latest = await readTransactionCount(rpc, wallet, 'latest');
  return { latest, pending: Number(await rpc.call<string>('eth_getTransactionCount', [wallet, 'pending'])) };
}
