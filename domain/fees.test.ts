import { assert, bigInt, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bumpFees, quoteFees, type FeeLimits } from './fees.ts';

const GWEI = 10n ** 9n;
const LIMITS: FeeLimits = { minimumTipPerGas: 25n * GWEI, maximumFeePerGas: 5_000n * GWEI };

const marketArbitrary = record({ baseFeePerGas: bigInt({ min: 0n, max: 20_000n * GWEI }), tipPerGas: bigInt({ min: 0n, max: 20_000n * GWEI }) });
/** A ceiling below the chain's smallest tip could never send anything; settings are not like that. */
const limitsArbitrary = record({ minimumTipPerGas: bigInt({ min: 0n, max: 100n * GWEI }), room: bigInt({ min: 0n, max: 10_000n * GWEI }) }).map(
  ({ minimumTipPerGas, room }): FeeLimits => ({ minimumTipPerGas, maximumFeePerGas: minimumTipPerGas + room }),
);

describe('quoteFees', () => {
  it('clamps the tip up to the smallest the chain takes', () => {
    expect(quoteFees({ baseFeePerGas: 10n * GWEI, tipPerGas: 1n }, LIMITS)).toEqual({ maxFeePerGas: 45n * GWEI, maxPriorityFeePerGas: 25n * GWEI });
  });

  it('takes the market tip where it is higher', () => {
    expect(quoteFees({ baseFeePerGas: 10n * GWEI, tipPerGas: 40n * GWEI }, LIMITS)).toEqual({ maxFeePerGas: 60n * GWEI, maxPriorityFeePerGas: 40n * GWEI });
  });

  it('outlives fourteen blocks of +5 % base fee', () => {
    const { maxFeePerGas, maxPriorityFeePerGas } = quoteFees({ baseFeePerGas: 100n * GWEI, tipPerGas: 0n }, LIMITS);
    const after = (100n * GWEI * 105n ** 14n) / 100n ** 14n;
    expect(maxFeePerGas).toBeGreaterThanOrEqual(after + maxPriorityFeePerGas);
  });

  it('stops at the ceiling, tip included', () => {
    expect(quoteFees({ baseFeePerGas: 9_000n * GWEI, tipPerGas: 9_000n * GWEI }, LIMITS)).toEqual({ maxFeePerGas: 5_000n * GWEI, maxPriorityFeePerGas: 5_000n * GWEI });
  });

  it('never passes the ceiling, never offers a tip above the fee or below the floor', () => {
    assert(
      property(marketArbitrary, limitsArbitrary, (market, limits) => {
        const { maxFeePerGas, maxPriorityFeePerGas } = quoteFees(market, limits);
        expect(maxFeePerGas).toBeLessThanOrEqual(limits.maximumFeePerGas);
        expect(maxPriorityFeePerGas).toBeLessThanOrEqual(maxFeePerGas);
        expect(maxPriorityFeePerGas).toBeGreaterThanOrEqual(limits.minimumTipPerGas);
      }),
    );
  });
});

describe('bumpFees', () => {
  const calm = { baseFeePerGas: 0n, tipPerGas: 0n };

  it('raises both fields by a tenth', () => {
    expect(bumpFees({ maxFeePerGas: 100n * GWEI, maxPriorityFeePerGas: 30n * GWEI }, calm, LIMITS)).toEqual({ maxFeePerGas: 110n * GWEI, maxPriorityFeePerGas: 33n * GWEI });
  });

  it('rounds up: 10 % less a fraction of a wei is not 10 %', () => {
    const bumped = bumpFees({ maxFeePerGas: 100n * GWEI + 1n, maxPriorityFeePerGas: 30n * GWEI + 1n }, calm, LIMITS);
    expect(bumped).toEqual({ maxFeePerGas: 110n * GWEI + 2n, maxPriorityFeePerGas: 33n * GWEI + 2n });
  });

  it('follows the market where it went higher', () => {
    expect(bumpFees({ maxFeePerGas: 50n * GWEI, maxPriorityFeePerGas: 25n * GWEI }, { baseFeePerGas: 200n * GWEI, tipPerGas: 80n * GWEI }, LIMITS)).toEqual({ maxFeePerGas: 480n * GWEI, maxPriorityFeePerGas: 80n * GWEI });
  });

  it('goes to the very ceiling, and no further', () => {
    expect(bumpFees({ maxFeePerGas: 100n, maxPriorityFeePerGas: 10n }, calm, { minimumTipPerGas: 0n, maximumFeePerGas: 110n })).toEqual({ maxFeePerGas: 110n, maxPriorityFeePerGas: 11n });
    expect(bumpFees({ maxFeePerGas: 100n, maxPriorityFeePerGas: 10n }, calm, { minimumTipPerGas: 0n, maximumFeePerGas: 109n })).toBeNull();
    expect(bumpFees({ maxFeePerGas: LIMITS.maximumFeePerGas, maxPriorityFeePerGas: 25n * GWEI }, calm, LIMITS)).toBeNull();
  });

  it('is a replacement every node takes, or none at all', () => {
    assert(
      property(marketArbitrary, marketArbitrary, limitsArbitrary, (then, now, limits) => {
        const previous = quoteFees(then, limits);
        const bumped = bumpFees(previous, now, limits);
        // Only the ceiling forbids a bump.
        expect(bumped === null).toBe(previous.maxFeePerGas * 110n > limits.maximumFeePerGas * 100n);
        if (bumped === null) return;
        expect(bumped.maxFeePerGas * 100n).toBeGreaterThanOrEqual(previous.maxFeePerGas * 110n);
        expect(bumped.maxPriorityFeePerGas * 100n).toBeGreaterThanOrEqual(previous.maxPriorityFeePerGas * 110n);
        expect(bumped.maxFeePerGas).toBeLessThanOrEqual(limits.maximumFeePerGas);
        expect(bumped.maxPriorityFeePerGas).toBeLessThanOrEqual(bumped.maxFeePerGas);
        const quote = quoteFees(now, limits);
        expect(bumped.maxFeePerGas).toBeGreaterThanOrEqual(quote.maxFeePerGas);
        expect(bumped.maxPriorityFeePerGas).toBeGreaterThanOrEqual(quote.maxPriorityFeePerGas);
      }),
    );
  });

  it('ends at the ceiling after a bounded number of bumps: a stuck transaction does not storm', () => {
    let fees: ReturnType<typeof bumpFees> = { maxFeePerGas: 45n * GWEI, maxPriorityFeePerGas: 25n * GWEI };
    let bumps = 0;
    while (fees !== null && bumps <= 100) {
      fees = bumpFees(fees, calm, LIMITS);
      bumps += 1;
    }
    expect(fees).toBeNull();
    expect(bumps).toBe(50);
  });
});
