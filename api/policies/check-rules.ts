import type { Queryable } from '../../db/client.ts';
import { listAssets } from '../../db/repositories/assets.ts';
import { listUsersByEmail } from '../../db/repositories/accounts/users.ts';
import { EngineError } from '../../domain/errors.ts';
import { isNetwork } from '../../domain/networks.ts';
import { namesIn, parsePolicy, type Policy } from '../../domain/policy.ts';
import { DECIDERS } from '../access.ts';

/**
 * Rules as somebody wrote them. Refused with `VALIDATION_FAILED` and the place: what can never be, and every name that means
 * nothing here (an account, somebody who may approve, a network, a currency). A rule about a misspelt client would never match, and what it
 * was to stop would pass.
 * @param network this deployment's
 */
export async function checkRules(database: Queryable, network: string, rules: Policy['rules']): Promise<Policy> {
  const policy = read(rules);
  const named = namesIn(policy);
  const known = new Map((await listUsersByEmail(database, named.map(({ email }) => email))).map((user) => [user.email, user]));
  for (const { as, email, field } of named) {
    const user = known.get(email);
    if (!user) refuse(field, 'unknown-account');
    else if (as === 'approver' && (!DECIDERS.includes(user.role) || !user.isActive)) refuse(field, 'may-not-approve');
  }
  const currencies = new Set((await listAssets(database, network)).map(({ currency }) => currency));
  for (const [index, { when }] of policy.rules.entries()) {
    if (when.networks?.some((name) => !isNetwork(name))) refuse(`/rules/${index}/when/networks`, 'unknown-network');
    if (when.currencies?.some((currency) => !currencies.has(currency))) refuse(`/rules/${index}/when/currencies`, 'unknown-currency');
  }
  return policy;
}

function read(rules: Policy['rules']): Policy {
  try {
    return parsePolicy({ rules });
  } catch (error) {
    if (error instanceof EngineError) refuse(error.parameters['field'] ?? '/rules', error.parameters['reason'] ?? 'refused');
    throw error;
  }
}

/** @param place a JSON pointer; a caller is told it as every other field of a body */
function refuse(place: string, reason: string): never {
  throw new EngineError('VALIDATION_FAILED', { field: place.slice(1).replaceAll('/', '.'), reason });
}
