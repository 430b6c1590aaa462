import { EngineError } from '../../domain/errors.ts';
import { fillerIdOf } from '../../domain/guardian.ts';
import { forbids } from '../../domain/halts.ts';
import type { Queryable } from '../../db/client.ts';
import { listHalts, refuseHalted } from '../../db/repositories/operations/halts.ts';
import { getLiveReservation, type NonceReservationRow } from '../../db/repositories/payments/nonces.ts';
import { getWallet, type WalletRow } from '../../db/repositories/wallets/wallets.ts';

/**
 * The live reservation of a filler, re-checked by whoever is about to sign or send for it. Null when the chain has ruled
 * on its nonce meanwhile. Throws `HALTED`, `BOOKS_BEHIND` or `WALLET_UNAVAILABLE` while nothing may leave this wallet; a
 * token's halt does not concern it, as it moves no token.
 */
export async function fillerThatMayGo(queryable: Queryable, requestId: string): Promise<{ reservation: NonceReservationRow; wallet: WalletRow } | null> {
  const reservation = await getLiveReservation(queryable, requestId);
  if (!reservation) return null;
  const { chainId, walletAddress, nonce, state } = reservation;
  if (requestId !== fillerIdOf(chainId, walletAddress, nonce) || state !== 'VOIDING') throw new EngineError('INVALID_STATE', { reason: 'this nonce belongs to a withdrawal' });
  const wallet = await getWallet(queryable, chainId, walletAddress);
  if (wallet.status === 'HALTED') throw new EngineError('WALLET_UNAVAILABLE', { wallet: walletAddress, reason: wallet.status });
  const standing = (await listHalts(queryable)).filter((halt) => halt.scope !== 'TOKEN' && forbids(halt, { chainId, walletAddress, tokenAddress: null }));
  refuseHalted(standing);
  return { reservation, wallet };
}
