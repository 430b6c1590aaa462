import { array, assert, boolean, constantFrom, integer, oneof, property, record, type Arbitrary } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SendVerdictKind } from './send-errors.ts';
import { beginSend, BUMP_WAIT_MS_MAX, LOOK_UPS_MAX, nextStep, NONCE_GAP_MS_MAX, SENDS_MAX, STEPS_MAX, type SendFact, type SendStep } from './send-policy.ts';

const VERDICTS = ['accepted', 'nonce-consumed', 'underpriced-replacement', 'underpriced', 'nonce-gap', 'insufficient-funds', 'reverts', 'busy', 'unknown', 'rejected', 'already-known'] as const satisfies readonly SendVerdictKind[];
const ENDS: readonly SendStep['kind'][] = ['confirm', 'bump', 'try-later', 'call-guardian', 'pause-wallet', 'refused'];

const answer = (verdict: SendVerdictKind): SendFact => ({ kind: 'answer', verdict });
const hash = (known: boolean): SendFact => ({ kind: 'hash', known });
const nonce = (used: 'by-us' | 'passed' | 'no'): SendFact => ({ kind: 'nonce', used });
const holder = (whose: 'newest' | 'older' | 'stranger' | 'unknown'): SendFact => ({ kind: 'holder', holder: whose });
const waited: SendFact = { kind: 'waited' };

/** The steps a run takes when it learns these facts, at one moment. */
function walk(facts: readonly SendFact[], run: { sinceMs?: number; bumps?: number; nowMs?: number } = {}): SendStep[] {
  let { state, step } = beginSend({ sinceMs: run.sinceMs ?? 0, bumps: run.bumps ?? 0 });
  const steps = [step];
  for (const fact of facts) {
    ({ state, step } = nextStep(state, fact, run.nowMs ?? 0));
    steps.push(step);
  }
  return steps;
}
const kinds = (steps: readonly SendStep[]) => steps.map(({ kind }) => kind);
const last = (facts: readonly SendFact[], run?: Parameters<typeof walk>[1]) => walk(facts, run).at(-1);

describe('after a send', () => {
  it('accepted: confirmation takes over', () => {
    expect(kinds(walk([answer('accepted')]))).toEqual(['send', 'confirm']);
  });

  describe('already known', () => {
    it('is success when the hash is ours', () => {
      expect(kinds(walk([answer('already-known'), hash(true)]))).toEqual(['send', 'look-up-hash', 'confirm']);
    });
    it('is no success when nobody knows our hash: asked again, then later', () => {
      expect(kinds(walk([answer('already-known'), hash(false), waited, hash(false)]))).toEqual(['send', 'look-up-hash', 'wait', 'look-up-hash', 'try-later']);
    });
  });

  describe('nonce too low', () => {
    it.each(['by-us', 'passed'] as const)('goes to confirmation when the nonce is used up: %s', (used) => {
      expect(kinds(walk([answer('nonce-consumed'), nonce(used)]))).toEqual(['send', 'look-up-nonce', 'confirm']);
    });
    it('waits while the chain does not show it, and takes the later word', () => {
      expect(kinds(walk([answer('nonce-consumed'), nonce('no'), waited, nonce('by-us')]))).toEqual(['send', 'look-up-nonce', 'wait', 'look-up-nonce', 'confirm']);
      expect(last([answer('nonce-consumed'), nonce('no'), waited, nonce('no')])).toEqual({ kind: 'try-later', because: 'nonce-consumed' });
    });
  });

  describe('replacement underpriced', () => {
    it('is success when the very bytes hold the nonce', () => {
      expect(kinds(walk([answer('underpriced-replacement'), holder('newest')]))).toEqual(['send', 'look-up-holder', 'confirm']);
    });
    it.each(['older', 'stranger', 'unknown'] as const)('is answered with a higher fee when the holder is %s', (whose) => {
      expect(kinds(walk([answer('underpriced-replacement'), holder(whose)]))).toEqual(['send', 'look-up-holder', 'bump']);
    });
  });

  it('underpriced: a higher fee, at once the first time', () => {
    expect(kinds(walk([answer('underpriced')]))).toEqual(['send', 'bump']);
  });

  it('each further replacement waits longer than the one before, up to a bound', () => {
    const waits = [1, 2, 3, 4, 5, 6, 50].map((bumps) => {
      const [, step, then] = walk([answer('underpriced'), waited], { bumps });
      expect(then).toEqual({ kind: 'bump' });
      return step?.kind === 'wait' ? step.ms : 0;
    });
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, BUMP_WAIT_MS_MAX, BUMP_WAIT_MS_MAX, BUMP_WAIT_MS_MAX]);
  });

  describe('nonce too high', () => {
    it('waits and sends again, then later', () => {
      expect(kinds(walk([answer('nonce-gap'), waited, answer('nonce-gap'), waited, answer('nonce-gap')]))).toEqual(['send', 'wait', 'send', 'wait', 'send', 'try-later']);
      expect(kinds(walk([answer('nonce-gap'), waited, answer('accepted')]))).toEqual(['send', 'wait', 'send', 'confirm']);
    });
    it('calls the guardian once the lower nonce has been missing for too long', () => {
      expect(last([answer('nonce-gap')], { sinceMs: 5, nowMs: 5 + NONCE_GAP_MS_MAX - 1 })).toMatchObject({ kind: 'wait' });
      expect(last([answer('nonce-gap')], { sinceMs: 5, nowMs: 5 + NONCE_GAP_MS_MAX })).toEqual({ kind: 'call-guardian' });
    });
  });

  it('insufficient funds for gas: the wallet is paused, the nonce kept', () => {
    expect(kinds(walk([answer('insufficient-funds')]))).toEqual(['send', 'pause-wallet']);
  });

  describe('a timeout', () => {
    it('is looked up by hash', () => {
      expect(kinds(walk([answer('unknown'), hash(true)]))).toEqual(['send', 'look-up-hash', 'confirm']);
      expect(kinds(walk([answer('unknown'), hash(false), waited, hash(true)]))).toEqual(['send', 'look-up-hash', 'wait', 'look-up-hash', 'confirm']);
    });
    it('stays unknown, never refused, however often nobody knows the hash', () => {
      expect(last([answer('unknown'), hash(false), waited, hash(false)])).toEqual({ kind: 'try-later', because: 'unknown' });
    });
  });

  it.each(['reverts', 'rejected'] as const)('%s: refused, unless an earlier send has put the bytes out', (verdict) => {
    expect(walk([answer(verdict), hash(false)]).at(-1)).toEqual({ kind: 'refused', because: verdict });
    expect(kinds(walk([answer(verdict), hash(true)]))).toEqual(['send', 'look-up-hash', 'confirm']);
  });

  it('busy: waits longer each time and sends again, then later', () => {
    const steps = walk([answer('busy'), waited, answer('busy'), waited, answer('busy')]);
    expect(steps).toEqual([{ kind: 'send' }, { kind: 'wait', ms: 500 }, { kind: 'send' }, { kind: 'wait', ms: 1_000 }, { kind: 'send' }, { kind: 'try-later', because: 'busy' }]);
  });
});

describe('in any run', () => {
  const facts: Record<SendFact['kind'], Arbitrary<SendFact>> = {
    answer: record({ kind: constantFrom('answer' as const), verdict: constantFrom(...VERDICTS) }),
    hash: record({ kind: constantFrom('hash' as const), known: boolean() }),
    nonce: record({ kind: constantFrom('nonce' as const), used: constantFrom('by-us' as const, 'passed' as const, 'no' as const) }),
    holder: record({ kind: constantFrom('holder' as const), holder: constantFrom('newest' as const, 'older' as const, 'stranger' as const, 'unknown' as const) }),
    waited: record({ kind: constantFrom('waited' as const) }),
  };
  const fact: Arbitrary<SendFact> = oneof(facts.answer, facts.hash, facts.nonce, facts.holder, facts.waited);
  const ASKS: Partial<Record<SendStep['kind'], SendFact['kind']>> = { send: 'answer', 'look-up-hash': 'hash', 'look-up-nonce': 'nonce', 'look-up-holder': 'holder', wait: 'waited' };
  /** For each thing that may be asked, what the world answers, in order. */
  const world = record({
    answer: array(facts.answer, { minLength: SENDS_MAX, maxLength: SENDS_MAX }),
    hash: array(facts.hash, { minLength: 20, maxLength: 20 }),
    nonce: array(facts.nonce, { minLength: 20, maxLength: 20 }),
    holder: array(facts.holder, { minLength: 20, maxLength: 20 }),
    bumps: integer({ min: 0, max: 60 }),
    ageMs: integer({ min: 0, max: 2 * NONCE_GAP_MS_MAX }),
  });

  it('comes to an end within its bounds, whatever the world answers', () => {
    assert(
      property(world, ({ bumps, ageMs, ...answers }) => {
        const { steps } = play(answers, bumps, ageMs);
        expect(steps.length).toBeLessThanOrEqual(STEPS_MAX);
        expect(steps.filter(({ kind }) => kind === 'send').length).toBeLessThanOrEqual(SENDS_MAX);
        expect(ENDS).toContain(steps.at(-1)?.kind);
        for (const step of steps.slice(0, -1)) expect(ENDS).not.toContain(step.kind);
        for (const step of steps) if (step.kind === 'wait') expect(step.ms).toBeLessThanOrEqual(BUMP_WAIT_MS_MAX);
      }),
      { numRuns: 2_000 },
    );
  });

  it('never calls refused what may be out: the last answer was a refusal, and nobody knows the hash', () => {
    assert(
      property(world, ({ bumps, ageMs, ...answers }) => {
        const { steps, learnt } = play(answers, bumps, ageMs);
        const end = steps.at(-1);
        if (end?.kind !== 'refused') return;
        expect(learnt.findLast(({ kind }) => kind === 'answer')).toEqual({ kind: 'answer', verdict: end.because });
        expect(learnt.at(-1)).toEqual({ kind: 'hash', known: false });
      }),
      { numRuns: 2_000 },
    );
  });

  it('confirms only what was taken, found, or used up', () => {
    assert(
      property(world, ({ bumps, ageMs, ...answers }) => {
        const { steps, learnt } = play(answers, bumps, ageMs);
        if (steps.at(-1)?.kind !== 'confirm') return;
        expect([answer('accepted'), hash(true), nonce('by-us'), nonce('passed'), holder('newest')]).toContainEqual(learnt.at(-1));
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes any fact at any time, and knows no step that takes another nonce', () => {
    assert(
      property(array(fact, { maxLength: 30 }), integer({ min: 0, max: 1e9 }), (told, nowMs) => {
        for (const step of walk(told, { nowMs })) expect([...ENDS, ...Object.keys(ASKS)]).toContain(step.kind);
      }),
      { numRuns: 2_000 },
    );
  });

  it('asks at most so often after one answer', () => {
    assert(
      property(world, ({ bumps, ageMs, ...answers }) => {
        let asked = 0;
        for (const { kind } of play(answers, bumps, ageMs).steps) {
          asked = kind === 'send' ? 0 : asked + (kind.startsWith('look-up') ? 1 : 0);
          expect(asked).toBeLessThanOrEqual(LOOK_UPS_MAX);
        }
      }),
    );
  });

  function play(answers: Partial<Record<SendFact['kind'], SendFact[]>>, bumps: number, ageMs: number): { steps: SendStep[]; learnt: SendFact[] } {
    const left = Object.fromEntries(Object.entries(answers).map(([kind, list]) => [kind, [...list]]));
    let { state, step } = beginSend({ sinceMs: 0, bumps });
    const steps = [step];
    const learnt: SendFact[] = [];
    for (let asks = ASKS[step.kind]; asks !== undefined && steps.length <= STEPS_MAX; asks = ASKS[step.kind]) {
      const told = asks === 'waited' ? waited : left[asks]?.shift();
      if (told === undefined) break;
      learnt.push(told);
      ({ state, step } = nextStep(state, told, ageMs));
      steps.push(step);
    }
    return { steps, learnt };
  }
});
