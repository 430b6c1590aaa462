import { array, assert, boolean, constantFrom, integer, option, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commonFinalHeight, judge, reachedByTwo, type Observation } from './health.ts';

const LAG = 5;
const seen = (overrides: Partial<Observation> = {}): Observation => ({ reachable: true, rightChain: true, head: 100, finalized: 90, finalizedBefore: 88, finalHash: '0xaa', suspicion: null, ...overrides });
const away: Partial<Observation> = { reachable: false, head: null, finalized: null, finalHash: null };
const conditions = (...observations: Partial<Observation>[]) => judge(observations.map(seen), LAG).map(({ condition }) => condition);
const suspicions = (...observations: Partial<Observation>[]) => judge(observations.map(seen), LAG).map(({ suspicion }) => suspicion);

describe('what two have reached', () => {
  it.each([
    [[], null],
    [[7], 7],
    [[7, 9], 7],
    [[9, 7, 8], 8],
    [[9, 9, 1], 9],
  ])('of %j is %j', (numbers, expected) => {
    expect(reachedByTwo(numbers)).toBe(expected);
  });
});

describe('the common final height', () => {
  it('is called final by two, where two can say', () => {
    expect(commonFinalHeight([seen({ finalized: 90 }), seen({ finalized: 80 }), seen({ finalized: 10 })])).toBe(80);
    expect(commonFinalHeight([seen({ finalized: 90 }), seen({ finalized: null })])).toBe(90);
    expect(commonFinalHeight([seen({ finalized: null }), seen(away)])).toBeNull();
  });

  it('is not moved by one on another chain or caught on another fork', () => {
    expect(commonFinalHeight([seen({ finalized: 90 }), seen({ finalized: 95, rightChain: false }), seen({ finalized: 96, suspicion: 'forked' })])).toBe(90);
  });
});

describe('judging endpoints against each other', () => {
  it.each<[string, Partial<Observation>[], string[]]>([
    ['all alike', [{}, {}], ['up', 'up']],
    ['alone', [{}], ['up']],
    ['one away', [{}, away], ['up', 'unreachable']],
    ['another chain', [{}, { ...away, reachable: true, rightChain: false }], ['up', 'wrong-chain']],
    ['as far behind as is allowed', [{}, { head: 95 }], ['up', 'up']],
    ['one block further behind', [{}, { head: 94 }], ['up', 'lagging']],
    ['an invented head of one among three makes nobody lag', [{}, {}, { head: 1_000_000 }], ['up', 'up', 'up']],
    ['one of three behind', [{}, {}, { head: 50 }], ['up', 'up', 'lagging']],
    ['one cannot name a final block', [{}, { finalized: null }], ['up', 'no-finality']],
    ['none can: the chain cannot', [{ finalized: null, finalHash: null }, { finalized: null, finalHash: null }], ['up', 'up']],
    ['one took final blocks back', [{}, { finalized: 80, finalizedBefore: 88 }], ['up', 'finality-stepped-back']],
    ['one wavers by a few blocks', [{}, { finalized: 84, finalizedBefore: 88 }], ['up', 'up']],
    ['all took them back: the chain did', [{ finalized: 80 }, { finalized: 80 }], ['up', 'up']],
    ['two differ about a final block', [{}, { finalHash: '0xbb' }], ['disputed', 'disputed']],
    ['one of three is on another fork', [{}, { finalHash: '0xbb' }, {}], ['up', 'forked', 'up']],
    ['three differ', [{}, { finalHash: '0xbb' }, { finalHash: '0xcc' }], ['disputed', 'disputed', 'disputed']],
    ['two against two', [{}, { finalHash: '0xbb' }, { finalHash: '0xbb' }, {}], ['disputed', 'disputed', 'disputed', 'disputed']],
    ['a disputed pair and one away', [{}, { finalHash: '0xbb' }, away], ['disputed', 'disputed', 'unreachable']],
    ['one that shows no block has no say', [{}, { finalHash: null }], ['up', 'up']],
  ])('%s', (_name, observations, expected) => {
    expect(conditions(...observations)).toEqual(expected);
  });

  it('does not trust a liar because the honest ones are away', () => {
    expect(conditions(away, away, { finalHash: '0xbb', suspicion: 'forked' })).toEqual(['unreachable', 'unreachable', 'forked']);
    expect(conditions(away, { finalHash: '0xbb', suspicion: 'disputed' })).toEqual(['unreachable', 'disputed']);
    expect(suspicions({ ...away, suspicion: 'forked' }, {})).toEqual(['forked', null]);
  });

  it('gives one caught on another fork no vote against an honest one', () => {
    expect(conditions({}, { finalHash: '0xbb', suspicion: 'forked' })).toEqual(['up', 'forked']);
  });

  it('clears a suspicion when another shows the same block', () => {
    expect(suspicions({}, { suspicion: 'forked' }, {})).toEqual([null, null, null]);
    expect(suspicions({ suspicion: 'disputed' }, { suspicion: 'disputed' })).toEqual([null, null]);
    expect(suspicions({ suspicion: 'disputed' }, { finalHash: '0xbb', suspicion: 'disputed' }, {})).toEqual([null, 'forked', null]);
  });

  const anyObservation = record({
    reachable: boolean(),
    rightChain: boolean(),
    head: option(integer({ min: 0, max: 30 })),
    finalized: option(integer({ min: 0, max: 30 })),
    finalizedBefore: option(integer({ min: 0, max: 30 })),
    finalHash: option(constantFrom('0xaa', '0xbb', '0xcc')),
    suspicion: constantFrom<Observation['suspicion']>(null, 'forked', 'disputed'),
  });

  it('never leaves two in use that show different blocks at a final height', () => {
    assert(
      property(array(anyObservation, { minLength: 1, maxLength: 5 }), (observations) => {
        const judged = judge(observations, LAG);
        const hashes = new Set(observations.flatMap(({ finalHash }, index) => (judged[index]?.condition === 'up' ? (finalHash ?? []) : [])));
        expect(hashes.size).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('never calls one of an honest majority forked or disputed, and does not depend on their order', () => {
    assert(
      property(array(constantFrom('0xbb', '0xcc'), { maxLength: 2 }), (lies) => {
        const observations = [...lies.map((finalHash) => seen({ finalHash })), ...Array.from({ length: lies.length + 1 }, () => seen())];
        expect(judge(observations, LAG).map(({ condition }) => condition)).toEqual(observations.map(({ finalHash }) => (finalHash === '0xaa' ? 'up' : 'forked')));
      }),
    );
    assert(
      property(array(anyObservation, { maxLength: 5 }), (observations) => {
        expect(judge(observations.toReversed(), LAG)).toEqual(judge(observations, LAG).toReversed());
      }),
    );
  });
});
