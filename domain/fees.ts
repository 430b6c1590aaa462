/** EIP-1559 fees of one transaction, wei per gas. https://eips.ethereum.org/EIPS/eip-1559 */
export interface Fees {
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
}

/** What the market asks now, wei per gas. */
export interface FeeMarket {
  baseFeePerGas: bigint;
  /** tip that recent blocks rewarded */
  tipPerGas: bigint;
}

export interface FeeLimits {
  /** the chain's smallest accepted tip: Polygon's nodes refuse less than 25 gwei */
  minimumTipPerGas: bigint;
  /** absolute ceiling on maxFeePerGas */
  maximumFeePerGas: bigint;
}

const max = (left: bigint, right: bigint): bigint => (left > right ? left : right);
const min = (left: bigint, right: bigint): bigint => (left < right ? left : right);

/**
 * Fees for a first attempt: the tip clamped up to the chain's minimum, and twice the base fee above it, which
 * outlives 15 blocks of +5 % each. Never above the ceiling.
 */
export function quoteFees(market: FeeMarket, limits: FeeLimits): Fees {
  const tip = max(market.tipPerGas, limits.minimumTipPerGas);
  const maxFeePerGas = min(2n * market.baseFeePerGas + tip, limits.maximumFeePerGas);
  return { maxFeePerGas, maxPriorityFeePerGas: min(tip, maxFeePerGas) };
}

/**
 * Fees for a replacement on the same nonce: at least 10 % (rounded up) above the previous attempt on both fields, as
 * nodes demand, and never below today's quote. `null` when the ceiling forbids it: hold and republish, do not storm.
 */
export function bumpFees(previous: Fees, market: FeeMarket, limits: FeeLimits): Fees | null {
  const quote = quoteFees(market, limits);
  const bumped = {
    maxFeePerGas: max(raise(previous.maxFeePerGas), quote.maxFeePerGas),
    maxPriorityFeePerGas: max(raise(previous.maxPriorityFeePerGas), quote.maxPriorityFeePerGas),
  };
  return bumped.maxFeePerGas > limits.maximumFeePerGas ? null : bumped;
}

function raise(value: bigint): bigint {
  return (value * 110n + 99n) / 100n;
}
