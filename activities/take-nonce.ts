import type { Address } from '../domain/address.ts';
import { EngineError } from '../domain/errors.ts';
import type { Database } from '../db/client.ts';
import { raiseAlert } from '../db/repositories/operations/alerts.ts';
import { listUnexplained, reserveNonce, type NonceReservationRow } from '../db/repositories/payments/nonces.ts';
import { getWallet, stopWallet } from '../db/repositories/wallets/wallets.ts';
import { readHeader, readTransactionCount } from './chain/blocks.ts';
import { findNonceConsumer } from './chain/nonce-consumer.ts';
import type { Rpc } from './chain/rpc.ts';
import type { ActivityLog } from './failure.ts';
import { judgeForeign } from './foreign-outflow.ts';
import type { NonceFront } from './nonce-front.ts';

export interface TakeNoncePorts {
  db: Database;
  rpc: Rpc;
  nonceFront: NonceFront;
  log: ActivityLog;
}

/**
 * The nonce of a request: proposed by Redis, decided by MySQL, and Redis rewritten whenever they disagree. Called twice:
 * the same nonce. Throws `WINDOW_FULL` while the wallet holds its fill, `WALLET_UNAVAILABLE` while it is not active,
 * `INVALID_STATE` when the request has ended, `PARKED` while it waits for a person.
 *
 * A chain that counts more of the wallet's transactions than the database knows is looked at first: a stranger that moved
 * value nobody declared, or payments a restored database forgot, halt the wallet before anything is signed on top of them.
 */
export async function takeNonce(ports: TakeNoncePorts, request: { requestId: string; chainId: number; walletAddress: Address; window: number }): Promise<NonceReservationRow> {
  const { db, rpc, nonceFront } = ports;
  const chainNonce = await readTransactionCount(rpc, request.walletAddress, 'latest');
  await haltOnForeignOutflow(ports, request.chainId, request.walletAddress, chainNonce);
  const proposed = await nonceFront.propose(request.chainId, request.walletAddress, request.requestId);
  const decided = await decide();
  if (decided.reservation.nonce !== proposed?.nonce) await nonceFront.restore(request.chainId, request.walletAddress, decided.truth, proposed?.counter ?? null);
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

async function haltOnForeignOutflow(ports: TakeNoncePorts, chainId: number, walletAddress: Address, chainNonce: number): Promise<void> {
  const { db, rpc } = ports;
  const unexplained = await listUnexplained(db, await getWallet(db, chainId, walletAddress), chainNonce);
  if (unexplained.length === 0) return;
  const head = await readHeader(rpc, 'latest');
  if (!head) throw new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_getBlockByNumber' });
  const taken = new Set<number>();
  for (const nonce of unexplained) {
    const consumer = await findNonceConsumer(rpc, walletAddress, nonce, head.number);
    const verdict = consumer && (await judgeForeign({ db, rpc }, walletAddress, consumer, taken));
    // What nobody has seen is not judged.
    if (!verdict) throw new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_getTransactionByHash', reason: 'no node shows what consumed a nonce' });
    if (verdict.movement) taken.add(verdict.movement.id);
    if (!verdict.movesValue) continue;
    const { txHash } = consumer;
    await stopWallet(db, chainId, walletAddress, { status: 'HALTED', reason: 'FOREIGN_OUTFLOW' });
    if (await raiseAlert(db, { kind: 'FOREIGN_OUTFLOW', chainId, subject: walletAddress, detail: { nonce, txHash } })) {
      ports.log.error({ wallet: walletAddress, nonce, txHash }, 'a transaction this engine does not know moved value out of a hot wallet: the wallet is halted');
    }
    throw new EngineError('WALLET_UNAVAILABLE', { wallet: walletAddress, reason: 'HALTED' });
  }
}
