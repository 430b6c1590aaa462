import type { Address } from '../domain/address.ts';
import type { Database } from '../db/client.ts';
import { reserveNonce, type NonceReservationRow } from '../db/repositories/nonces.ts';
import { lockWithdrawal, moveTo } from '../db/repositories/withdrawals.ts';
import { transact } from '../db/transact.ts';
import { readTransactionCount } from './chain/blocks.ts';
import type { Rpc } from './chain/rpc.ts';
import type { NonceFront } from './nonce-front.ts';

export interface TakeNoncePorts {
  db: Database;
  rpc: Rpc;
  nonceFront: NonceFront;
}

/**
 * The nonce of a request: proposed by Redis, decided by MySQL, and Redis rewritten whenever they disagree. Called twice:
 * the same nonce. Throws `WINDOW_FULL` while the wallet holds its fill, `WALLET_UNAVAILABLE` while it is not active,
 * `INVALID_STATE` when the request has ended.
 */
export async function takeNonce(ports: TakeNoncePorts, request: { requestId: string; chainId: number; walletAddress: Address; window: number }): Promise<NonceReservationRow> {
  const { db, rpc, nonceFront } = ports;
  const chainNonce = await readTransactionCount(rpc, request.walletAddress, 'latest');
  const proposed = await nonceFront.propose(request.chainId, request.walletAddress, request.requestId);
  const decided = await decide();
  if (decided.reservation.nonce !== proposed?.nonce) await nonceFront.restore(request.chainId, request.walletAddress, decided.truth, proposed?.counter ?? null);
  await transact(db, async (tx) => {
    await lockWithdrawal(tx, request.requestId);
    await moveTo(tx, request.requestId, 'SIGNING', 'nonce reserved', { detail: { nonce: decided.reservation.nonce, wallet: request.walletAddress } });
  });
  return decided.reservation;

  async function decide() {
    try {
      return await reserveNonce(db, { ...request, chainNonce });
    } catch (error) {
      // Nothing was given: what Redis proposed goes back, or the next proposal leaves a hole before MySQL corrects it.
      await nonceFront.release(request.chainId, request.walletAddress, request.requestId, proposed?.nonce ?? null);
      throw error;
    }
  }
}
