import { matches, verdictOf, type Conditions, type Policy, type PolicyFacts, type Rule, type Truth } from './policy.ts';

/** What can be known of a withdrawal after it was decided on: its sealed fields, whose it is, and what else is proven. */
export type LastingFacts = Pick<PolicyFacts, 'network' | 'currency' | 'decimals' | 'amount' | 'client'> & {
  /** what the lists said of the recipient when it was decided; absent where that cannot be told */
  destination?: PolicyFacts['destination'];
  /** at least so much was counted when it was decided; absent where nobody has counted */
  usageAtLeast?: NonNullable<PolicyFacts['usage']>;
};

export interface ApprovalDemand {
  /** distinct people who must approve; 0 when nobody needs to */
  required: number;
  /** e-mail addresses of those whose word counts; null for everyone who may approve */
  approvers: readonly string[] | null;
}

/**
 * What the rule that is said to have decided on a withdrawal demands of it. Null when it cannot have decided: there is no
 * such rule, it denies, it does not hold, or one before it does. Exists so that a decision read from the database is
 * believed only as far as the policy itself bears it out: by the amount nobody escapes the approvals of a large payment.
 *
 * What cannot be told any more (balances, how long the recipient is known, usage beyond what is proven) is taken for whatever would
 * make the decision right. More usage only makes more limits hold, so one that holds by the proven part held.
 */
export function demandOf(policy: Policy, ruleId: string, facts: LastingFacts): ApprovalDemand | null {
  for (const rule of policy.rules) {
    const holds = lastingTruth(rule, facts);
    if (rule.id === ruleId) return holds === false ? null : demandedBy(rule);
    if (holds === true) return null;
  }
  return null;
}

function demandedBy(rule: Rule): ApprovalDemand | null {
  const verdict = verdictOf(rule);
  if (verdict.kind !== 'allowed') return null;
  return verdict.approvals ?? { required: 0, approvers: null };
}

/** Whether a rule holds by what is known alone. */
function lastingTruth({ when }: Rule, { usageAtLeast, destination, ...facts }: LastingFacts): Truth {
  const { destination: wanted, total, count, ...lasting } = when;
  const others = matches(lasting, { ...facts, destination: 'unlisted' });
  const lists = wanted === undefined ? true : destination === undefined ? 'unknown' : matches({ destination: wanted }, { ...facts, destination });
  return all(others, lists, ...[total && { total }, count && { count }].map((limit) => limitTruth(limit, { ...facts, destination: 'unlisted', ...(usageAtLeast && { usage: usageAtLeast }) })));
}

/** A limit that the proven usage does not pass may have been passed all the same. */
function limitTruth(limit: Conditions | undefined, facts: PolicyFacts): Truth {
  if (limit === undefined) return true;
  return matches(limit, facts) === true ? true : 'unknown';
}

function all(...truths: Truth[]): Truth {
  if (truths.includes(false)) return false;
  return truths.includes('unknown') ? 'unknown' : true;
}
