import type { Redis } from 'ioredis';
import { bumpFees, quoteFees, type Fees } from '../domain/fees.ts';
import type { Settings } from '../domain/settings.ts';
import { feeLimitsOf, readFeeMarket } from './chain/fee-oracle.ts';
import type { Rpc } from './chain/rpc.ts';

/**
 * The fees of a nonce's next attempt, wei per gas: today's quote for the first, enough to replace `previous` for a later one.
 * Null where a fee limit forbids signing now. Reads only.
 * @param gasLimit gas units
 */
export async function attemptFees(ports: { rpc: Rpc; redis: Redis; settings: Settings }, gasLimit: bigint, previous: Fees | undefined): Promise<Fees | null> {
  const market = await readFeeMarket(ports);
  const limits = feeLimitsOf(ports.settings.chain, gasLimit);
  return previous === undefined ? quoteFees(market, limits) : bumpFees(previous, market, limits);
}
