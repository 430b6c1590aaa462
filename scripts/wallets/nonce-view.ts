import type { Address } from '../../domain/address.ts';
import type { NonceRow } from '../../domain/guardian.ts';
import { gapsOf } from '../../domain/nonce-gaps.ts';
import type { Queryable } from '../../db/client.ts';
import { listOpenNonces } from '../../db/repositories/payments/nonce-view.ts';
import { readTransactionCount } from '../../activities/chain/blocks.ts';
import type { Rpc } from '../../activities/chain/rpc.ts';

/** A wallet's nonces as a person looks at them. */
export interface NonceView {
  /** the chain's transaction count, and with what waits in the pool */
  latest: number;
  pending: number;
  /** coins, wei */
  nativeWei: bigint;
  /** unmined nonces that carry signed bytes */
  inFlight: number;
  /** unmined nonces below the next that nobody holds, ascending */
  gaps: number[];
}

/** Reads the chain and the books for one wallet. Throws `CHAIN_UNAVAILABLE` when no endpoint answers. */
export async function readNonceView(db: Queryable, rpc: Rpc, wallet: { chainId: number; address: string; nextNonce: number | null }): Promise<NonceView> {
  const { chainId, address, nextNonce } = wallet;
  const latest = await readTransactionCount(rpc, address, 'latest');
  const pending = Number(await rpc.call<string>('eth_getTransactionCount', [address, 'pending']));
  const nativeWei = BigInt(await rpc.call<string>('eth_getBalance', [address, 'latest']));
  const rows = await listOpenNonces(db, chainId, address as Address, latest);
  return { latest, pending, nativeWei, inFlight: rows.filter(isInFlight).length, gaps: gapsOf(rows, latest, nextNonce ?? latest) };
}

const isInFlight = ({ state, hasBytes }: NonceRow): boolean => hasBytes && (state === 'SIGNED' || state === 'VOIDING');
