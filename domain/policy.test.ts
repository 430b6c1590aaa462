import { array, assert, bigInt, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EngineError } from './errors.ts';
import { CLOSING_RULE, DENYLIST_RULE, explain, judge, namesIn, parsePolicy, type Conditions, type Policy, type PolicyFacts, type Rule, type Usage } from './policy.ts';

const NONE: Usage = { hourTotal: 0n, dayTotal: 0n, hourCount: 0, dayCount: 0 };
const FACTS: PolicyFacts = {
  network: 'polygon-amoy',
  currency: 'USDC',
  decimals: 6,
  amount: 100_000_000n,
  client: 'client@example.com',
  destination: 'unlisted',
  knownForMs: 1_000,
  usage: { client: NONE, everyone: NONE },
  walletBalance: 1_000_000_000n,
};
const AT_ONCE: PolicyFacts = { network: FACTS.network, currency: FACTS.currency, decimals: 6, amount: FACTS.amount, client: FACTS.client, destination: 'unlisted' };

const deny = (id: string, when: Conditions): Rule => ({ id, when, action: { deny: 'LIMIT_EXCEEDED' } });
const policy = (...rules: Rule[]): Policy => ({ rules });
const REST: Rule = { id: 'rest', when: {}, action: { allow: true } };
/** Whether one rule with these conditions decides, before a rule that lets everything pass. */
const hits = (when: Conditions, facts: Partial<PolicyFacts> = {}) => judge(policy(deny('rule', when), REST), { ...FACTS, ...facts }).rule === 'rule';
const used = (change: Partial<Usage>, of: 'client' | 'everyone' = 'client') => ({ usage: { client: NONE, everyone: NONE, [of]: { ...NONE, ...change } } });

describe('the order of rules', () => {
  it('lets the first that matches decide', () => {
    const large: Rule = { id: 'large', when: { amount: { atLeast: '100' } }, action: { approvals: { required: 2, withinMs: 60_000 } } };
    expect(judge(policy(large, deny('later', {})), FACTS)).toEqual({ kind: 'allowed', rule: 'large', approvals: { required: 2, approvers: null, withinMs: 60_000 } });
    expect(judge(policy(deny('first', {}), large), FACTS)).toEqual({ kind: 'denied', rule: 'first', code: 'LIMIT_EXCEEDED' });
  });

  it('denies behind the last one', () => {
    expect(judge(policy(deny('other', { currencies: ['USDT'] })), FACTS)).toEqual({ kind: 'denied', rule: CLOSING_RULE, code: 'POLICY_DENIED' });
    expect(judge(policy(), FACTS).kind).toBe('denied');
  });

  it('denies what is denylisted before any rule', () => {
    expect(judge(policy(REST), { ...FACTS, destination: 'denylisted' })).toEqual({ kind: 'denied', rule: DENYLIST_RULE, code: 'ADDRESS_NOT_ALLOWED' });
  });
});

describe('conditions', () => {
  it.each<[string, Conditions, Partial<PolicyFacts>, boolean]>([
    ['the network', { networks: ['polygon-amoy'] }, {}, true],
    ['another network', { networks: ['polygon'] }, {}, false],
    ['another currency', { currencies: ['USDT', 'POL'] }, {}, false],
    ['the client, however spelled', { clients: [' Client@Example.com'] }, {}, true],
    ['another client', { clients: ['other@example.com'] }, {}, false],
    ['no allowlist entry', { destination: 'not-allowlisted' }, {}, true],
    ['an allowlist entry', { destination: 'not-allowlisted' }, { destination: 'allowlisted' }, false],
    ['exactly the amount: at least', { amount: { atLeast: '100' } }, {}, true],
    ['exactly the amount: above', { amount: { above: '100' } }, {}, false],
    ['a base unit more: above', { amount: { above: '100' } }, { amount: 100_000_001n }, true],
    ['a base unit less: at least', { amount: { atLeast: '100' } }, { amount: 99_999_999n }, false],
    ['a limit finer than the token', { amount: { above: '99.9999999' } }, {}, true],
    ['a limit finer than the token, missed', { amount: { atLeast: '100.0000001' } }, {}, false],
    ['a new address', { newAddress: { withinMs: 1_001 } }, {}, true],
    ['an address known long enough', { newAddress: { withinMs: 1_000 } }, {}, false],
    ['a day of the client that this one fills', { total: { of: 'client', window: 'day', above: '150' } }, used({ dayTotal: 50_000_000n }), false],
    ['a day of the client that this one overfills', { total: { of: 'client', window: 'day', above: '150' } }, used({ dayTotal: 50_000_001n }), true],
    ["another window's total", { total: { of: 'client', window: 'hour', above: '150' } }, used({ dayTotal: 50_000_001n }), false],
    ["everyone's hour", { total: { of: 'everyone', window: 'hour', above: '150' } }, used({ hourTotal: 50_000_001n }, 'everyone'), true],
    ["the client's total for everyone's", { total: { of: 'everyone', window: 'day', above: '150' } }, used({ dayTotal: 50_000_001n }), false],
    ['the third of three', { count: { of: 'client', window: 'hour', above: 3 } }, used({ hourCount: 2 }), false],
    ['the fourth of three', { count: { of: 'client', window: 'hour', above: 3 } }, used({ hourCount: 3 }), true],
    ['exactly the share', { walletShare: { abovePercent: 10 } }, {}, false],
    ['more than the share', { walletShare: { abovePercent: 10 } }, { amount: 100_000_001n }, true],
    ['all of two', { currencies: ['USDC'], amount: { above: '10' } }, {}, true],
    ['one of two', { currencies: ['USDT'], amount: { above: '10' } }, {}, false],
  ])('%s', (_, when, facts, expected) => {
    expect(hits(when, facts)).toBe(expected);
  });
});

describe('what can be known at once', () => {
  it('is refused at once', () => {
    expect(judge(policy(deny('large', { amount: { above: '50' } }), REST), AT_ONCE).kind).toBe('denied');
    // More than a day's limit by itself, whatever came before.
    expect(judge(policy(deny('day', { total: { of: 'client', window: 'day', above: '99' } }), REST), AT_ONCE).kind).toBe('denied');
  });

  it('is not guessed: a rule that needs more leaves it open, also for the rules behind', () => {
    const needsMore: Conditions[] = [{ total: { of: 'client', window: 'day', above: '150' } }, { count: { of: 'everyone', window: 'hour', above: 1 } }, { newAddress: { withinMs: 1 } }, { walletShare: { abovePercent: 1 } }];
    for (const when of needsMore) expect(judge(policy(deny('rule', when), deny('behind', {})), AT_ONCE)).toEqual({ kind: 'undetermined', rule: 'rule' });
  });

  it('passes over a rule that fails by what is known, whatever else it asks', () => {
    expect(judge(policy(deny('rule', { currencies: ['USDT'], newAddress: { withinMs: 1 } }), REST), AT_ONCE).rule).toBe('rest');
  });

  it('never contradicts what is found when everything is known', () => {
    const usage = record<Usage>({ hourTotal: bigInt(0n, 10n ** 12n), dayTotal: bigInt(0n, 10n ** 12n), hourCount: integer({ min: 0, max: 9 }), dayCount: integer({ min: 0, max: 9 }) });
    const when = record<Conditions>({ amount: record({ above: integer({ min: 0, max: 200 }).map(String) }), total: record({ of: integer().map((n) => (n % 2 ? ('client' as const) : ('everyone' as const))), window: integer().map((n) => (n % 2 ? ('hour' as const) : ('day' as const))), above: integer({ min: 0, max: 300 }).map(String) }) }, { requiredKeys: [] });
    assert(
      property(array(when, { minLength: 1, maxLength: 5 }), usage, usage, (conditions, client, everyone) => {
        const rules = policy(...conditions.map((each, index) => deny(`rule-${index}`, each)), REST);
        const early = judge(rules, AT_ONCE);
        const late = judge(rules, { ...FACTS, usage: { client, everyone } });
        expect(late.kind).not.toBe('undetermined');
        expect(explain(rules, { ...FACTS, usage: { client, everyone } }).at(-1)).toMatchObject({ rule: late.rule, holds: true });
        expect(explain(rules, AT_ONCE).at(-1)).toMatchObject({ rule: early.rule, holds: early.kind === 'undetermined' ? 'unknown' : true });
        if (early.kind !== 'undetermined') expect(late).toEqual(early);
      }),
    );
  });
});

describe('parsePolicy', () => {
  const refused = (value: unknown): unknown => {
    try {
      parsePolicy(value);
      return null;
    } catch (error) {
      return error instanceof EngineError && error.code === 'VALIDATION_FAILED' ? error.parameters['field'] : error;
    }
  };

  it('takes a policy as it is', () => {
    const whole = policy(deny('a', { currencies: ['USDC'] }), { id: 'b', when: { amount: { atLeast: '0.5' } }, action: { approvals: { required: 1, approvers: ['a@example.com'], withinMs: 1_000 } } }, REST);
    expect(parsePolicy(whole)).toEqual(whole);
  });

  it.each([
    ['no rules', { rules: [] }, '/rules'],
    ['a word it does not know', { rules: [{ ...REST, whenever: {} }] }, '/rules/0/whenever'],
    ['a condition it does not know', { rules: [deny('a', { weekday: 'monday' } as unknown as Conditions)] }, '/rules/0/when/weekday'],
    ['an amount as a number', { rules: [deny('a', { amount: { above: 5 } } as unknown as Conditions)] }, '/rules/0/when/amount/above'],
    ['a name twice', policy(deny('a', { currencies: ['USDC'] }), deny('a', { currencies: ['USDT'] })), '/rules/1/id'],
    ['the name of an unwritten rule', policy(deny(CLOSING_RULE, { currencies: ['USDC'] })), '/rules/0/id'],
    ['fewer approvers than are required, however they are spelled', policy({ id: 'a', when: {}, action: { approvals: { required: 2, approvers: ['a@example.com', ' A@example.com'], withinMs: 1_000 } } }), '/rules/0/action/approvals/approvers'],
    ['a rule behind one that always decides', policy(REST, deny('a', { currencies: ['USDC'] })), '/rules/1'],
  ])('refuses %s and names the place', (_, value, field) => {
    expect(refused(value)).toBe(field);
  });
});

describe('what a denial says of a limit', () => {
  it.each<[string, Conditions, Partial<PolicyFacts>, object | undefined]>([
    ['one payment', { amount: { above: '50' } }, {}, { name: 'amount', maximum: '50' }],
    ["a client's day", { total: { of: 'client', window: 'day', above: '99' } }, {}, { name: 'day-total', maximum: '99' }],
    ["a client's hour", { total: { of: 'client', window: 'hour', above: '99' } }, {}, { name: 'hour-total', maximum: '99' }],
    ["nothing of everyone's", { total: { of: 'everyone', window: 'day', above: '99' } }, {}, undefined],
    ['nothing where there is no number to tell', { count: { of: 'client', window: 'day', above: 0 } }, {}, undefined],
  ])('%s', (_, when, facts, limit) => {
    expect(judge(policy(deny('rule', when), REST), { ...FACTS, ...facts })).toEqual({ kind: 'denied', rule: 'rule', code: 'LIMIT_EXCEEDED', ...(limit && { limit }) });
  });

  it('is kept back where the code is another', () => {
    expect(judge(policy({ id: 'rule', when: { amount: { above: '50' } }, action: { deny: 'POLICY_DENIED' } }, REST), FACTS)).not.toHaveProperty('limit');
  });
});

describe('explain', () => {
  const rules = policy(deny('other', { currencies: ['USDT'], amount: { above: '10' } }), deny('share', { walletShare: { abovePercent: 50 } }), REST);

  it('says of each rule up to the deciding one what held and what did not', () => {
    expect(explain(rules, FACTS)).toEqual([
      { rule: 'other', holds: false, conditions: [{ condition: 'currencies', holds: false }, { condition: 'amount', holds: true }] },
      { rule: 'share', holds: false, conditions: [{ condition: 'walletShare', holds: false }] },
      { rule: 'rest', holds: true, conditions: [] },
    ]);
    expect(explain(rules, AT_ONCE).at(-1)).toEqual({ rule: 'share', holds: 'unknown', conditions: [{ condition: 'walletShare', holds: 'unknown' }] });
    expect(explain(rules, { ...FACTS, destination: 'denylisted' })).toEqual([]);
  });
});

describe('namesIn', () => {
  it('finds every address, in the one spelling accounts have, and where it stands', () => {
    const named = policy({ id: 'a', when: { clients: [' Client@Example.com'] }, action: { approvals: { required: 1, approvers: ['Boss@example.com'], withinMs: 1_000 } } }, REST);
    expect(namesIn(named)).toEqual([
      { as: 'client', email: 'client@example.com', field: '/rules/0/when/clients' },
      { as: 'approver', email: 'boss@example.com', field: '/rules/0/action/approvals/approvers' },
    ]);
  });
});
