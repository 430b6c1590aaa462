import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { ErrorCode } from './errors.ts';
import { EngineError } from './errors.ts';
import { EMAIL_LENGTH_MAX } from './email.ts';

const tokenUnits = Type.String({ pattern: '^(0|[1-9][0-9]{0,27})(\\.[0-9]{1,18})?$', description: 'Token units of the withdrawal’s own currency', examples: ['1000'] });
const whose = Type.Union([Type.Literal('client'), Type.Literal('everyone')], { description: 'client: the owner of the withdrawal; everyone: all withdrawals of the chain' });
const windowName = Type.Union([Type.Literal('hour'), Type.Literal('day')], { description: 'The last 60 minutes or 24 hours, rolling' });
const email = Type.String({ minLength: 3, maxLength: EMAIL_LENGTH_MAX, examples: ['approver@example.com'] });
const closed = { additionalProperties: false };

const ConditionsSchema = Type.Object(
  {
    networks: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 32 }), { minItems: 1, maxItems: 20 })),
    currencies: Type.Optional(Type.Array(Type.String({ pattern: '^[A-Z0-9]{2,16}$' }), { minItems: 1, maxItems: 50 })),
    clients: Type.Optional(Type.Array(email, { minItems: 1, maxItems: 1_000, description: 'Owners, by e-mail address' })),
    destination: Type.Optional(Type.Literal('not-allowlisted', { description: 'The recipient is not on the allowlist' })),
    newAddress: Type.Optional(Type.Object({ withinMs: Type.Integer({ minimum: 1 }) }, { ...closed, description: 'The client first asked for this recipient, or had it allowlisted, less than this ago' })),
    amount: Type.Optional(Type.Object({ atLeast: Type.Optional(tokenUnits), above: Type.Optional(tokenUnits) }, { ...closed, minProperties: 1 })),
    total: Type.Optional(Type.Object({ of: whose, window: windowName, above: tokenUnits }, { ...closed, description: 'With this one, the amounts of this currency in the window come to more' })),
    count: Type.Optional(Type.Object({ of: whose, window: windowName, above: Type.Integer({ minimum: 0 }) }, { ...closed, description: 'With this one, the withdrawals in the window, whatever the currency, are more' })),
    walletShare: Type.Optional(Type.Object({ abovePercent: Type.Integer({ minimum: 1, maximum: 99 }) }, { ...closed, description: 'More than this share of what the paying wallet holds of the token' })),
  },
  { ...closed, description: 'All that are named must hold; none named: always' },
);
export type Conditions = Static<typeof ConditionsSchema>;

const DENIAL_CODES = ['LIMIT_EXCEEDED', 'ADDRESS_NOT_ALLOWED', 'POLICY_DENIED'] as const satisfies readonly ErrorCode[];
export type DenialCode = (typeof DENIAL_CODES)[number];

const ActionSchema = Type.Union([
  Type.Object({ allow: Type.Literal(true) }, closed),
  Type.Object({ deny: Type.Unsafe<DenialCode>(Type.Union(DENIAL_CODES.map((code) => Type.Literal(code)))) }, closed),
  Type.Object(
    {
      approvals: Type.Object(
        {
          required: Type.Integer({ minimum: 1, maximum: 10, description: 'Distinct people, never the requester' }),
          approvers: Type.Optional(Type.Array(email, { minItems: 1, maxItems: 100, description: 'Whose word counts; absent: everyone who may approve' })),
          withinMs: Type.Integer({ minimum: 1_000, maximum: 30 * 86_400_000, description: 'Without enough approvals by then it is rejected' }),
        },
        closed,
      ),
    },
    closed,
  ),
]);

const RuleSchema = Type.Object({ id: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' }), when: ConditionsSchema, action: ActionSchema }, closed);

/** Rules in their order: the first whose conditions all hold decides. Behind the last one everything is denied. */
export const PolicySchema = Type.Object({ rules: Type.Array(RuleSchema, { minItems: 1, maxItems: 200 }) }, { ...closed, description: 'The first rule whose conditions all hold decides; behind the last one everything is denied.' });
export type Policy = Static<typeof PolicySchema>;
export type Rule = Policy['rules'][number];

/** The rule every policy ends with, and the one it begins with: neither is written down. */
export const CLOSING_RULE = 'closing-rule';
export const DENYLIST_RULE = 'denylist';

/** What was counted in a window before this withdrawal. */
export interface Usage {
  /** base units of its currency */
  hourTotal: bigint;
  dayTotal: bigint;
  hourCount: number;
  dayCount: number;
}

/** What is known of a withdrawal; what is left out was not looked up yet. */
export interface PolicyFacts {
  network: string;
  currency: string;
  decimals: number;
  /** base units */
  amount: bigint;
  /** the owner's e-mail address */
  client: string;
  destination: 'denylisted' | 'allowlisted' | 'unlisted';
  /** how long the client has known the recipient */
  knownForMs?: number;
  usage?: Record<'client' | 'everyone', Usage>;
  /** what the paying wallet holds of the token, base units */
  walletBalance?: bigint;
}

/** A limit in the words of the person it stops. */
export interface NamedLimit {
  name: 'amount' | 'hour-total' | 'day-total';
  /** token units */
  maximum: string;
}

export type Verdict =
  | { kind: 'allowed'; rule: string; approvals: { required: number; approvers: readonly string[] | null; withinMs: number } | null }
  | { kind: 'denied'; rule: string; code: DenialCode; limit?: NamedLimit }
  /** the rule asks for a fact that was not looked up */
  | { kind: 'undetermined'; rule: string };

/**
 * Judges a withdrawal. Pure: the same facts give the same verdict. With every fact given it is never `undetermined`;
 * with fewer it says as much as follows from them, so that what can be known at once is refused at once.
 */
export function judge(policy: Policy, facts: PolicyFacts): Verdict {
  if (facts.destination === 'denylisted') return { kind: 'denied', rule: DENYLIST_RULE, code: 'ADDRESS_NOT_ALLOWED' };
  for (const rule of policy.rules) {
    const holds = matches(rule.when, facts);
    if (holds === 'unknown') return { kind: 'undetermined', rule: rule.id };
    if (holds) return verdictOf(rule);
  }
  return { kind: 'denied', rule: CLOSING_RULE, code: 'POLICY_DENIED' };
}

export function verdictOf({ id, when, action }: Rule): Verdict {
  if ('deny' in action) {
    const limit = action.deny === 'LIMIT_EXCEEDED' ? limitOf(when) : undefined;
    return { kind: 'denied', rule: id, code: action.deny, ...(limit && { limit }) };
  }
  if ('allow' in action) return { kind: 'allowed', rule: id, approvals: null };
  const { required, approvers, withinMs } = action.approvals;
  return { kind: 'allowed', rule: id, approvals: { required, approvers: approvers ?? null, withinMs } };
}

/** The limit a rule sets, where there is one number to tell. What is counted for everyone is not one client's business. */
function limitOf({ amount, total }: Conditions): NamedLimit | undefined {
  if (amount?.above !== undefined) return { name: 'amount', maximum: amount.above };
  return total?.of === 'client' ? { name: `${total.window}-total`, maximum: total.above } : undefined;
}

export type Truth = boolean | 'unknown';
export interface ConditionAnswer {
  condition: keyof Conditions;
  holds: Truth;
}
export interface RuleAnswer {
  rule: string;
  holds: Truth;
  conditions: ConditionAnswer[];
}

/** What each rule said up to the one that decided, with every condition it asks for: why `judge` says what it says. */
export function explain(policy: Policy, facts: PolicyFacts): RuleAnswer[] {
  if (facts.destination === 'denylisted') return [];
  const answers: RuleAnswer[] = [];
  for (const { id, when } of policy.rules) {
    const holds = matches(when, facts);
    answers.push({ rule: id, holds, conditions: [...conditionsOf(when, facts)] });
    if (holds !== false) break;
  }
  return answers;
}

/** One condition that fails settles it, whatever is unknown of the others. */
export function matches(when: Conditions, facts: PolicyFacts): Truth {
  let all: Truth = true;
  for (const { holds } of conditionsOf(when, facts)) {
    if (holds === false) return false;
    if (holds === 'unknown') all = 'unknown';
  }
  return all;
}

function* conditionsOf(when: Conditions, facts: PolicyFacts): Generator<ConditionAnswer> {
  const { decimals, amount } = facts;
  const answer = (condition: keyof Conditions, holds: Truth): ConditionAnswer => ({ condition, holds });
  if (when.networks) yield answer('networks', when.networks.includes(facts.network));
  if (when.currencies) yield answer('currencies', when.currencies.includes(facts.currency));
  if (when.clients) yield answer('clients', when.clients.some((client) => spelled(client) === spelled(facts.client)));
  if (when.destination) yield answer('destination', facts.destination === 'unlisted');
  if (when.amount) yield answer('amount', amountHolds(when.amount, amount, decimals));
  if (when.newAddress) yield answer('newAddress', facts.knownForMs === undefined ? 'unknown' : facts.knownForMs < when.newAddress.withinMs);
  if (when.total) yield answer('total', totalIsAbove(when.total, facts));
  if (when.count) yield answer('count', countIsAbove(when.count, facts));
  if (when.walletShare) yield answer('walletShare', facts.walletBalance === undefined ? 'unknown' : amount * 100n > facts.walletBalance * BigInt(when.walletShare.abovePercent));
}

function amountHolds({ atLeast, above }: NonNullable<Conditions['amount']>, amount: bigint, decimals: number): boolean {
  if (atLeast !== undefined && compareToUnits(amount, decimals, atLeast) < 0) return false;
  return above === undefined || compareToUnits(amount, decimals, above) > 0;
}

/** E-mail addresses mean the same however they are capitalised. */
const spelled = (address: string): string => address.trim().toLowerCase();

function totalIsAbove({ of, window, above }: NonNullable<Conditions['total']>, { usage, amount, decimals }: PolicyFacts): Truth {
  // More by itself is more with anything before it.
  if (compareToUnits(amount, decimals, above) > 0) return true;
  if (!usage) return 'unknown';
  const before = window === 'hour' ? usage[of].hourTotal : usage[of].dayTotal;
  return compareToUnits(before + amount, decimals, above) > 0;
}

function countIsAbove({ of, window, above }: NonNullable<Conditions['count']>, { usage }: PolicyFacts): Truth {
  if (!usage) return above < 1 ? true : 'unknown';
  return (window === 'hour' ? usage[of].hourCount : usage[of].dayCount) + 1 > above;
}

/** Compares base units with an amount in token units, exactly, however many decimals either has. */
function compareToUnits(amount: bigint, decimals: number, units: string): number {
  const [whole = '0', fraction = ''] = units.split('.');
  const left = amount * 10n ** BigInt(fraction.length);
  const right = BigInt(whole + fraction) * 10n ** BigInt(decimals);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Every e-mail address a policy names, as it is stored with accounts, and where. */
export function namesIn({ rules }: Policy): { as: 'client' | 'approver'; email: string; field: string }[] {
  return rules.flatMap(({ when, action }, index) => {
    const approvers = 'approvals' in action ? (action.approvals.approvers ?? []) : [];
    return [
      ...(when.clients ?? []).map((name) => ({ as: 'client' as const, email: spelled(name), field: `/rules/${index}/when/clients` })),
      ...approvers.map((name) => ({ as: 'approver' as const, email: spelled(name), field: `/rules/${index}/action/approvals/approvers` })),
    ];
  });
}

/**
 * Reads a policy. Throws `VALIDATION_FAILED` with the first wrong place (`field`, `reason`): a policy with two rules of one
 * name, with a rule that can never be reached, or with approvals that can never be enough, is refused as well.
 */
export function parsePolicy(value: unknown): Policy {
  const [first] = Value.Errors(PolicySchema, value);
  if (first) throw new EngineError('VALIDATION_FAILED', { field: first.instancePath || '/', reason: first.message });
  const { rules } = value as Policy;
  const seen = new Set<string>([CLOSING_RULE, DENYLIST_RULE]);
  for (const [index, { id, when, action }] of rules.entries()) {
    if (seen.has(id)) throw new EngineError('VALIDATION_FAILED', { field: `/rules/${index}/id`, reason: 'the name is taken' });
    seen.add(id);
    if (Object.keys(when).length === 0 && index < rules.length - 1) throw new EngineError('VALIDATION_FAILED', { field: `/rules/${index + 1}`, reason: `can never be reached behind ${id}` });
    const approvers = 'approvals' in action ? action.approvals.approvers : undefined;
    if ('approvals' in action && approvers && new Set(approvers.map(spelled)).size < action.approvals.required) {
      throw new EngineError('VALIDATION_FAILED', { field: `/rules/${index}/action/approvals/approvers`, reason: 'fewer than are required' });
    }
  }
  return { rules };
}
