import { assert, bigInt, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bumpFees, ceilingOf, quoteFees, whyNoQuote, type FeeLimits } from './fees.ts';

const GWEI = 10n ** 9n;
/** The ceiling and nothing else. */
const LIMITS: FeeLimits = { minimumTipPerGas: 25n * GWEI, maximumFeePerGas: 5_000n * GWEI, affordableFeePerGas: 10n ** 30n, capThresholdPerGas: 10n ** 30n, capMultiple: 5n };

const marketArbitrary = record({ baseFeePerGas: bigInt({ min: 0n, max: 20_000n * GWEI }), tipPerGas: bigInt({ min: 0n, max: 20_000n * GWEI }) });
/** A ceiling below the chain's smallest tip could never send anything; settings are not like that. */
const limitsArbitrary = record({
  minimumTipPerGas: bigInt({ min: 0n, max: 100n * GWEI }),
  room: bigInt({ min: 0n, max: 30_000n * GWEI }),
  affordableFeePerGas: bigInt({ min: 0n, max: 60_000n * GWEI }),
  capThresholdPerGas: bigInt({ min: 0n, max: 2_000n * GWEI }),
  capMultiple: bigInt({ min: 2n, max: 100n }),
}).map(({ minimumTipPerGas, room, ...caps }): FeeLimits => ({ minimumTipPerGas, maximumFeePerGas: minimumTipPerGas + room, ...caps }));

describe('quoteFees', () => {
  it('clamps the tip up to the smallest the chain takes', () => {
    expect(quoteFees({ baseFeePerGas: 10n * GWEI, tipPerGas: 1n }, LIMITS)).toEqual({ maxFeePerGas: 45n * GWEI, maxPriorityFeePerGas: 25n * GWEI });
  });

  it('takes the market tip where it is higher', () => {
    expect(quoteFees({ baseFeePerGas: 10n * GWEI, tipPerGas: 40n * GWEI }, LIMITS)).toEqual({ maxFeePerGas: 60n * GWEI, maxPriorityFeePerGas: 40n * GWEI });
  });

  it('outlives fourteen blocks of +5 % base fee', () => {
    const quoted = quoteFees({ baseFeePerGas: 100n * GWEI, tipPerGas: 0n }, LIMITS);
    const after = (100n * GWEI * 105n ** 14n) / 100n ** 14n;
    expect(quoted?.maxFeePerGas).toBeGreaterThanOrEqual(after + (quoted?.maxPriorityFeePerGas ?? 0n));
  });

  it('gives up its reserve near the ceiling, and quotes nothing where the next block would not take it', () => {
    expect(quoteFees({ baseFeePerGas: 4_000n * GWEI, tipPerGas: 30n * GWEI }, LIMITS)).toEqual({ maxFeePerGas: 5_000n * GWEI, maxPriorityFeePerGas: 30n * GWEI });
    expect(quoteFees({ baseFeePerGas: 4_975n * GWEI, tipPerGas: 30n * GWEI }, LIMITS)).toEqual({ maxFeePerGas: 5_000n * GWEI, maxPriorityFeePerGas: 30n * GWEI });
    expect(quoteFees({ baseFeePerGas: 4_975n * GWEI + 1n, tipPerGas: 30n * GWEI }, LIMITS)).toBeNull();
  });

  it('pays no more for one transaction than the settings allow', () => {
    const limits = { ...LIMITS, affordableFeePerGas: 100n * GWEI };
    expect(quoteFees({ baseFeePerGas: 50n * GWEI, tipPerGas: 0n }, limits)).toEqual({ maxFeePerGas: 100n * GWEI, maxPriorityFeePerGas: 25n * GWEI });
    expect(quoteFees({ baseFeePerGas: 80n * GWEI, tipPerGas: 0n }, limits)).toBeNull();
    expect(whyNoQuote(limits)).toBe('market');
    expect(whyNoQuote({ ...LIMITS, affordableFeePerGas: 24n * GWEI })).toBe('gas-limit');
  });

  it('is held back by nothing relative: it is the market', () => {
    expect(quoteFees({ baseFeePerGas: 1_000n * GWEI, tipPerGas: 0n }, { ...LIMITS, capThresholdPerGas: 0n, capMultiple: 2n })).toEqual({ maxFeePerGas: 2_025n * GWEI, maxPriorityFeePerGas: 25n * GWEI });
  });

  it('never passes a ceiling, never offers less than the next block takes, a tip above the fee or below the floor', () => {
    assert(
      property(marketArbitrary, limitsArbitrary, (market, limits) => {
        const quoted = quoteFees(market, limits);
        expect(quoted === null).toBe(ceilingOf(limits) < market.baseFeePerGas + limits.minimumTipPerGas);
        if (quoted === null) return;
        expect(quoted.maxFeePerGas).toBeLessThanOrEqual(limits.maximumFeePerGas);
        expect(quoted.maxFeePerGas).toBeLessThanOrEqual(limits.affordableFeePerGas);
        expect(quoted.maxFeePerGas).toBeGreaterThanOrEqual(market.baseFeePerGas + limits.minimumTipPerGas);
        expect(quoted.maxPriorityFeePerGas).toBeLessThanOrEqual(quoted.maxFeePerGas);
        expect(quoted.maxPriorityFeePerGas).toBeGreaterThanOrEqual(limits.minimumTipPerGas);
      }),
      { numRuns: 1_000 },
    );
  });

  it('can be waited for exactly where a quiet chain would be quoted', () => {
    assert(
      property(limitsArbitrary, (limits) => {
        expect(whyNoQuote(limits) === 'market').toBe(quoteFees({ baseFeePerGas: 0n, tipPerGas: 0n }, limits) !== null);
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
    expect(bumpFees({ maxFeePerGas: 100n, maxPriorityFeePerGas: 10n }, calm, { ...LIMITS, minimumTipPerGas: 0n, maximumFeePerGas: 110n })).toEqual({ maxFeePerGas: 110n, maxPriorityFeePerGas: 11n });
    expect(bumpFees({ maxFeePerGas: 100n, maxPriorityFeePerGas: 10n }, calm, { ...LIMITS, minimumTipPerGas: 0n, maximumFeePerGas: 109n })).toBeNull();
    expect(bumpFees({ maxFeePerGas: LIMITS.maximumFeePerGas, maxPriorityFeePerGas: 25n * GWEI }, calm, LIMITS)).toBeNull();
  });

  it('stops at what one transaction may cost', () => {
    const previous = { maxFeePerGas: 100n * GWEI, maxPriorityFeePerGas: 30n * GWEI };
    expect(bumpFees(previous, calm, { ...LIMITS, affordableFeePerGas: 110n * GWEI })).toEqual({ maxFeePerGas: 110n * GWEI, maxPriorityFeePerGas: 33n * GWEI });
    expect(bumpFees(previous, calm, { ...LIMITS, affordableFeePerGas: 110n * GWEI - 1n })).toBeNull();
  });

  describe('relative to the market', () => {
    const market = { baseFeePerGas: 20n * GWEI, tipPerGas: 0n };
    /** Today's quote is 65 gwei, three times that 195. */
    const relative: FeeLimits = { ...LIMITS, capMultiple: 3n, capThresholdPerGas: 150n * GWEI };
    const bumpOf = (feeGwei: bigint, tipGwei: bigint, limits = relative) => bumpFees({ maxFeePerGas: feeGwei * GWEI, maxPriorityFeePerGas: tipGwei * GWEI }, market, limits);

    it('does not pass the multiple of today\'s quote', () => {
      expect(bumpOf(177n, 30n)?.maxFeePerGas).toBe((1_947n * GWEI) / 10n);
      expect(bumpOf(178n, 30n)).toBeNull();
    });

    it('does not hold at or below the threshold', () => {
      const cheap = { ...relative, capMultiple: 2n };
      // Twice the quote is 130 gwei, and 143 is more; but it is below 150.
      expect(bumpOf(130n, 30n, cheap)?.maxFeePerGas).toBe(143n * GWEI);
      expect(bumpOf(136n, 30n, cheap)?.maxFeePerGas).toBe((1_496n * GWEI) / 10n);
      expect(bumpOf(137n, 30n, cheap)).toBeNull();
    });

    it('holds for the tip as well', () => {
      expect(bumpOf(160n, 136n)?.maxPriorityFeePerGas).toBe((1_496n * GWEI) / 10n);
      expect(bumpOf(160n, 137n)).toBeNull();
    });

    it('moves with the market: what was held goes out when the market has gone up', () => {
      const stuck = { maxFeePerGas: 190n * GWEI, maxPriorityFeePerGas: 30n * GWEI };
      expect(bumpFees(stuck, market, relative)).toBeNull();
      expect(bumpFees(stuck, { ...market, baseFeePerGas: 100n * GWEI }, relative)).toEqual({ maxFeePerGas: 225n * GWEI, maxPriorityFeePerGas: 33n * GWEI });
    });
  });

  it('is a replacement every node takes, or none at all', () => {
    assert(
      property(marketArbitrary, marketArbitrary, limitsArbitrary, limitsArbitrary, (then, now, limitsThen, limits) => {
        const previous = quoteFees(then, limitsThen);
        if (previous === null) return;
        const bumped = bumpFees(previous, now, limits);
        if (bumped === null) return;
        expect(bumped.maxFeePerGas * 100n).toBeGreaterThanOrEqual(previous.maxFeePerGas * 110n);
        expect(bumped.maxPriorityFeePerGas * 100n).toBeGreaterThanOrEqual(previous.maxPriorityFeePerGas * 110n);
        expect(bumped.maxFeePerGas).toBeLessThanOrEqual(ceilingOf(limits));
        expect(bumped.maxPriorityFeePerGas).toBeLessThanOrEqual(bumped.maxFeePerGas);
        expect(bumped.maxPriorityFeePerGas).toBeGreaterThanOrEqual(limits.minimumTipPerGas);
        expect(bumped.maxFeePerGas).toBeGreaterThanOrEqual(now.baseFeePerGas + limits.minimumTipPerGas);
        // Above the threshold neither field passes the multiple of what today's market asks.
        const tip = now.tipPerGas > limits.minimumTipPerGas ? now.tipPerGas : limits.minimumTipPerGas;
        expect(bumped.maxFeePerGas <= limits.capThresholdPerGas || bumped.maxFeePerGas <= limits.capMultiple * (2n * now.baseFeePerGas + tip)).toBe(true);
        expect(bumped.maxPriorityFeePerGas <= limits.capThresholdPerGas || bumped.maxPriorityFeePerGas <= limits.capMultiple * tip).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is forbidden by a limit and by nothing else', () => {
    assert(
      property(marketArbitrary, marketArbitrary, limitsArbitrary, (then, now, limits) => {
        const previous = quoteFees(then, LIMITS);
        if (previous === null || bumpFees(previous, now, limits) !== null) return;
        const free = { ...limits, maximumFeePerGas: 10n ** 40n, affordableFeePerGas: 10n ** 40n, capThresholdPerGas: 10n ** 40n };
        const wanted = bumpFees(previous, now, free);
        if (wanted === null) throw new Error('nothing limits it, and nothing is quoted');
        const tip = now.tipPerGas > limits.minimumTipPerGas ? now.tipPerGas : limits.minimumTipPerGas;
        const cap = (asked: bigint) => (limits.capThresholdPerGas > limits.capMultiple * asked ? limits.capThresholdPerGas : limits.capMultiple * asked);
        const ceiling = ceilingOf(limits);
        const raised = (previous.maxFeePerGas * 110n + 99n) / 100n;
        expect(now.baseFeePerGas + limits.minimumTipPerGas > ceiling || raised > ceiling || wanted.maxFeePerGas > cap(2n * now.baseFeePerGas + tip) || wanted.maxPriorityFeePerGas > cap(tip)).toBe(true);
      }),
      { numRuns: 2_000 },
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
