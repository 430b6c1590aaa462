import type { Redis } from 'ioredis';
import type { FeeLimits, FeeMarket } from '../../domain/fees.ts';
import type { ChainSettings } from '../../domain/settings.ts';
import { remember } from '../cache.ts';
import type { Rpc } from './rpc.ts';

/** Half of the 30 s a gas price may be remembered: the quote doubles the base fee, which a market reaches in 15 blocks. */
const FEE_CACHE_MS = 15_000;
const HISTORY_BLOCKS = '0x5';
const TIP_PERCENTILE = 60;

interface RawFeeHistory {
  baseFeePerGas: string[];
  reward?: string[][];
}

/** Today's EIP-1559 market, wei per gas, from `eth_feeHistory`; shared by all workers through Redis. */
export async function readFeeMarket(ports: { rpc: Rpc; redis: Redis }): Promise<FeeMarket> {
  const { rpc, redis } = ports;
  const text = await remember(redis, `fees:${rpc.chainId}`, FEE_CACHE_MS, async () => {
    const history = await rpc.call<RawFeeHistory>('eth_feeHistory', [HISTORY_BLOCKS, 'latest', [TIP_PERCENTILE]]);
    const nextBaseFee = BigInt(history.baseFeePerGas.at(-1) ?? '0x0');
    const tips = (history.reward ?? []).map(([tip]) => BigInt(tip ?? '0x0')).toSorted((left, right) => Number(left - right));
    return `${nextBaseFee} ${tips[Math.floor(tips.length / 2)] ?? 0n}`;
  });
  const [baseFeePerGas = '', tipPerGas = ''] = text.split(' ');
  return { baseFeePerGas: BigInt(baseFeePerGas), tipPerGas: BigInt(tipPerGas) };
}

/** The fee limits of a chain's settings for a transaction of this gas limit. */
export function feeLimitsOf(settings: ChainSettings, gasLimit: bigint): FeeLimits {
  return {
    minimumTipPerGas: BigInt(settings.minimumTipWei),
    maximumFeePerGas: BigInt(settings.maximumFeePerGasWei),
    affordableFeePerGas: BigInt(settings.maximumGasCostWei) / gasLimit,
    capThresholdPerGas: BigInt(settings.feeCapThresholdWei),
    capMultiple: BigInt(settings.feeCapMultiple),
  };
}
