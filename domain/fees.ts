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
  /** what the gas of one transaction may cost at most, shared out over its gas limit */
  affordableFeePerGas: bigint;
  /** above this, no replacement passes `capMultiple` times today's quote; at or below it the multiple does not hold */
  capThresholdPerGas: bigint;
  capMultiple: bigint;
}

const max = (left: bigint, right: bigint): bigint => (left > right ? left : right);
const min = (left: bigint, right: bigint): bigint => (left < right ? left : right);

/** The highest fee that is paid at all, whatever the market asks. */
export function ceilingOf(limits: FeeLimits): bigint {
  return min(limits.maximumFeePerGas, limits.affordableFeePerGas);
}

/**
 * Fees for a first attempt: the tip clamped up to the chain's minimum, and twice the base fee above it, which
 * outlives 15 blocks of +5 % each. Near the ceiling the reserve shrinks. `null` when the ceiling is below what the next
 * block takes (its base fee and the smallest tip): then nothing is signed, as it could only get stuck.
 */
export function quoteFees(market: FeeMarket, limits: FeeLimits): Fees | null {
  const ceiling = ceilingOf(limits);
  if (ceiling < market.baseFeePerGas + limits.minimumTipPerGas) return null;
  const { maxFeePerGas, maxPriorityFeePerGas } = wishOf(market, limits);
  return { maxFeePerGas: min(maxFeePerGas, ceiling), maxPriorityFeePerGas: min(maxPriorityFeePerGas, ceiling) };
}

/**
 * Fees for a replacement on the same nonce: at least 10 % (rounded up) above the previous attempt on both fields, as
 * nodes demand, and never below today's quote. `null` when a limit forbids it: hold and republish, do not storm.
 */
export function bumpFees(previous: Fees, market: FeeMarket, limits: FeeLimits): Fees | null {
  const quote = quoteFees(market, limits);
  if (quote === null) return null;
  const bumped = {
    maxFeePerGas: max(raise(previous.maxFeePerGas), quote.maxFeePerGas),
    maxPriorityFeePerGas: max(raise(previous.maxPriorityFeePerGas), quote.maxPriorityFeePerGas),
  };
  const wish = wishOf(market, limits);
  const allowed = bumped.maxFeePerGas <= min(ceilingOf(limits), capOf(wish.maxFeePerGas, limits)) && bumped.maxPriorityFeePerGas <= capOf(wish.maxPriorityFeePerGas, limits);
  return allowed ? bumped : null;
}

/**
 * Why nothing is quoted: `gas-limit` when even an empty chain's smallest fee would cost too much at this gas limit, so that
 * waiting cannot help; `market` when the base fee has to come down first.
 */
export function whyNoQuote(limits: FeeLimits): 'gas-limit' | 'market' {
  return limits.affordableFeePerGas < limits.minimumTipPerGas ? 'gas-limit' : 'market';
}

/** What one would offer without any ceiling. */
function wishOf(market: FeeMarket, limits: FeeLimits): Fees {
  const tip = max(market.tipPerGas, limits.minimumTipPerGas);
  return { maxFeePerGas: 2n * market.baseFeePerGas + tip, maxPriorityFeePerGas: tip };
}

/** A repeated +10 % must not run away from a market that does not ask for it; on a cheap chain a few multiples are cheap too. */
function capOf(marketPerGas: bigint, limits: FeeLimits): bigint {
  return max(limits.capThresholdPerGas, limits.capMultiple * marketPerGas);
}

function raise(value: bigint): bigint {
  return (value * 110n + 99n) / 100n;
}
