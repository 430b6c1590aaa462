import { assert, bigInt, constantFrom, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { demandOf, type LastingFacts } from './policy-demand.ts';
import { judge, type Conditions, type Policy, type PolicyFacts, type Rule } from './policy.ts';

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
        const demand = demandOf(rules, verdict.rule, { network, currency, decimals, amount, client });
        if (verdict.kind === 'allowed') expect(demand).toMatchObject({ required: verdict.approvals?.required ?? 0 });
        else expect(demand).toBeNull();
      }),
      { numRuns: 500 },
    );
  });
});
