import { sameAddress } from '../../../domain/address.ts';
import type { WalletStatus } from '../../../domain/status.ts';
import { ENDED_BY_A_PERSON, mayMove, WALLET_MOVES, type WalletMove } from '../../../domain/wallet-moves.ts';
import type { Database } from '../../client.ts';
import { transact } from '../../transact.ts';
import { resolveAlert } from '../operations/alerts.ts';
import { listWallets, lockWallet, setWalletStatus, type WalletRow } from './wallets.ts';

export type MoveResult =
  | { kind: 'moved'; from: WalletStatus; wallet: WalletRow }
  | { kind: 'unknown' }
  /** it stands where this move would weaken a stop */
  | { kind: 'refused'; status: WalletStatus };

/**
 * A person's word on one wallet, in one transaction that holds its row: who reserves funds or a nonce at the same moment does
 * so before or after it. Called twice: the wallet stands as told, with the last reason. Dies in the middle: nothing was
 * changed. The engine's own pauses are set again while their cause stands.
 *
 * @param by who says so: stands with the reason at the wallet
 */
export async function moveWallet(db: Database, chainId: number, address: string, move: WalletMove, word: { by: string; reason: string }): Promise<MoveResult> {
  const known = (await listWallets(db, chainId)).find((row) => sameAddress(row.address, address));
  if (!known) return { kind: 'unknown' };
  return transact(db, async (tx): Promise<MoveResult> => {
    const { status } = await lockWallet(tx, chainId, known.address);
    if (!mayMove(move, status)) return { kind: 'refused', status };
    await setWalletStatus(tx, chainId, known.address, WALLET_MOVES[move].to, `${move} by ${word.by}: ${word.reason}`);
    if (move === 'resume') for (const kind of ENDED_BY_A_PERSON) await resolveAlert(tx, kind, known.address);
    return { kind: 'moved', from: status, wallet: await lockWallet(tx, chainId, known.address) };
  });
}
