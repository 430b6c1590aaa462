import { assert, bigInt, constantFrom, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { demandOf, type LastingFacts } from './policy-demand.ts';
import { judge, type Conditions, type Policy, type PolicyFacts, type Rule, type Usage } from './policy.ts';

const FACTS: LastingFacts = { network: 'polygon-amoy', currency: 'USDC', decimals: 6, amount: 5_000_000_000n, client: 'client@example.com' };

const approve = (id: string, when: Conditions, required: number, approvers?: string[]): Rule => ({ id, when, action: { approvals: { required, withinMs: 60_000, ...(approvers && { approvers }) } } });
const deny = (id: string, when: Conditions): Rule => ({ id, when, action: { deny: 'LIMIT_EXCEEDED' } });
const allow = (id: string, when: Conditions = {}): Rule => ({ id, when, action: { allow: true } });
const policy = (...rules: Rule[]): Policy => ({ rules });

const LARGE = approve('large', { amount: { atLeast: '1000' } }, 2);

describe('what a decision demands', () => {
  it('is what its rule says', () => {
    expect(demandOf(policy(LARGE, allow('rest')), 'large', FACTS)).toMatchObject({ required: 2, approvers: null });
    expect(demandOf(policy(approve('named', {}, 1, ['a@example.com'])), 'named', FACTS)).toMatchObject({ required: 1, approvers: ['a@example.com'] });
    expect(demandOf(policy(LARGE, allow('rest')), 'rest', { ...FACTS, amount: 999_999_999n })).toEqual({ required: 0, approvers: null });
  });

  it.each<[string, Policy, string]>([
    ['an easier rule behind the one that holds', policy(LARGE, allow('rest')), 'rest'],
    ['a rule for smaller amounts', policy(allow('dust', { currencies: ['POL'] }), LARGE), 'dust'],
    ['a rule for another client', policy(allow('friends', { clients: ['friend@example.com'] }), LARGE), 'friends'],
    ['a rule that denies', policy(deny('no', {})), 'no'],
    ['a rule there is none of', policy(LARGE), 'gone'],
    ['a rule behind a total that the amount passes by itself', policy(deny('a-day', { total: { of: 'client', window: 'day', above: '4999' } }), allow('rest')), 'rest'],
  ])('is nothing for %s', (_, rules, ruleId) => {
    expect(demandOf(rules, ruleId, FACTS)).toBeNull();
  });

  it.each<[string, Conditions]>([
    ['what was counted', { count: { of: 'client', window: 'hour', above: 3 } }],
    ['the lists', { destination: 'not-allowlisted' }],
    ['how long the recipient is known', { newAddress: { withinMs: 86_400_000 } }],
    ['the wallet', { walletShare: { abovePercent: 50 } }],
  ])('leaves open what has changed since: %s', (_, when) => {
    const rules = policy(approve('maybe', when, 3), allow('rest'));
    expect(demandOf(rules, 'maybe', FACTS)).toMatchObject({ required: 3 });
    expect(demandOf(rules, 'rest', FACTS)).toMatchObject({ required: 0 });
  });

  const usage = (change: Partial<Usage>): NonNullable<LastingFacts['usageAtLeast']> => {
    const none = { hourTotal: 0n, dayTotal: 0n, hourCount: 0, dayCount: 0 };
    return { client: { ...none, ...change }, everyone: none };
  };

  it.each<[string, Conditions, Partial<Usage>, boolean]>([
    ['less than a limit', { total: { of: 'client', window: 'day', above: '9000' } }, { dayTotal: 4_000_000_000n }, true],
    ['more than a limit', { total: { of: 'client', window: 'day', above: '9000' } }, { dayTotal: 4_000_000_001n }, false],
    ['more than a limit on everyone', { total: { of: 'everyone', window: 'day', above: '9000' } }, { dayTotal: 4_000_000_001n }, true],
    ['more than a limit that also asks for what nobody knows any more', { total: { of: 'client', window: 'day', above: '9000' }, newAddress: { withinMs: 1_000 } }, { dayTotal: 4_000_000_001n }, true],
    ['more than a limit on others', { total: { of: 'client', window: 'day', above: '9000' }, currencies: ['POL'] }, { dayTotal: 4_000_000_001n }, true],
    ['as many as are allowed', { count: { of: 'client', window: 'hour', above: 3 } }, { hourCount: 2 }, true],
    ['more than are allowed', { count: { of: 'client', window: 'hour', above: 3 } }, { hourCount: 3 }, false],
  ])('holds against proven usage: %s', (_, when, proven, isBorneOut) => {
    const demand = demandOf(policy(deny('limit', when), allow('rest')), 'rest', { ...FACTS, usageAtLeast: usage(proven) });
    if (isBorneOut) expect(demand).toEqual({ required: 0, approvers: null });
    else expect(demand).toBeNull();
  });

  it('believes a rule that a limit passed on, whatever is proven of it', () => {
    const rules = policy(approve('much', { total: { of: 'client', window: 'day', above: '9000' } }, 2), allow('rest'));
    expect(demandOf(rules, 'much', { ...FACTS, usageAtLeast: usage({}) })).toMatchObject({ required: 2 });
  });

  it.each<[LastingFacts['destination'], boolean, boolean]>([
    [undefined, true, true],
    ['unlisted', false, true],
    ['allowlisted', true, false],
  ])('holds against what the lists said then: %s', (destination, restIsBorneOut, strangersAreBorneOut) => {
    const rules = policy(approve('strangers', { destination: 'not-allowlisted' }, 3), allow('rest'));
    const facts = { ...FACTS, ...(destination && { destination }) };
    expect(demandOf(rules, 'rest', facts) !== null).toBe(restIsBorneOut);
    expect(demandOf(rules, 'strangers', facts) !== null).toBe(strangersAreBorneOut);
  });

  it('bears out every decision the policy ever made', () => {
    const NONE = { hourTotal: 0n, dayTotal: 0n, hourCount: 0, dayCount: 0 };
    const rules = policy(
      deny('a-day', { total: { of: 'client', window: 'day', above: '9000' } }),
      approve('strangers', { destination: 'not-allowlisted', amount: { above: '10' } }, 3),
      approve('new', { newAddress: { withinMs: 1_000 } }, 1),
      approve('many', { count: { of: 'everyone', window: 'hour', above: 5 } }, 2),
      LARGE,
      allow('client', { clients: [FACTS.client] }),
      deny('others', {}),
    );
    const facts = record<PolicyFacts>({
      network: constantFrom('polygon-amoy', 'polygon'),
      currency: constantFrom('USDC', 'POL'),
      decimals: constantFrom(6, 18),
      amount: bigInt({ min: 1n, max: 10n ** 22n }),
      client: constantFrom('client@example.com', 'other@example.com'),
      destination: constantFrom('unlisted', 'allowlisted'),
      knownForMs: integer({ min: 0, max: 2_000 }),
      usage: record({ client: bigInt({ min: 0n, max: 10n ** 10n }).map((dayTotal) => ({ ...NONE, dayTotal })), everyone: integer({ min: 0, max: 10 }).map((hourCount) => ({ ...NONE, hourCount })) }),
      walletBalance: bigInt({ min: 1n, max: 10n ** 22n }),
    });
    assert(
      property(facts, (given) => {
        const verdict = judge(rules, given);
        const { network, currency, decimals, amount, client } = given;
        const lasting = { network, currency, decimals, amount, client };
        const demand = demandOf(rules, verdict.rule, lasting);
        // Whatever part of the usage is proven, and the lists as they were: no decision of the policy's is called wrong.
        const { usage: counted } = given;
        if (counted) expect(demandOf(rules, verdict.rule, { ...lasting, destination: given.destination, usageAtLeast: { client: { ...counted.client, dayTotal: counted.client.dayTotal / 2n }, everyone: counted.everyone } })).toEqual(demand);
        if (verdict.kind === 'allowed') expect(demand).toMatchObject({ required: verdict.approvals?.required ?? 0 });
        else expect(demand).toBeNull();
      }),
      { numRuns: 500 },
    );
  });
});
