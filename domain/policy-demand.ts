import { matches, verdictOf, type Policy, type PolicyFacts, type Rule, type Truth } from './policy.ts';

/** What of a withdrawal never changes once it was accepted: its sealed fields, and whose it is. */
export type LastingFacts = Pick<PolicyFacts, 'network' | 'currency' | 'decimals' | 'amount' | 'client'>;

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
 * What has changed since (usage, balances, lists, how long the recipient is known) is taken for whatever would make the
 * decision right.
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

/** Whether a rule holds by the lasting facts alone. */
function lastingTruth({ when }: Rule, facts: LastingFacts): Truth {
  const { destination, ...lasting } = when;
  const holds = matches(lasting, { ...facts, destination: 'unlisted' });
  // The lists may have changed since.
  return destination !== undefined && holds === true ? 'unknown' : holds;
}
