import type { Queryable } from '../../db/client.ts';
import { findAsset } from '../../db/repositories/assets.ts';
import { readUsage } from '../../db/repositories/policy/limits.ts';
import { findLivePolicy, rulesOf } from '../../db/repositories/policy/policies.ts';
import { readStandingFacts } from '../../db/repositories/policy/policy-facts.ts';
import { findUserByEmail } from '../../db/repositories/accounts/users.ts';
import { parseAddress } from '../../domain/address.ts';
import { EngineError } from '../../domain/errors.ts';
import { formatAmount, parseAmount } from '../../domain/money.ts';
import { explain, judge, type Policy, type PolicyFacts, type Truth, type Usage, type Verdict } from '../../domain/policy.ts';
import type { ChainSettings } from '../../domain/settings.ts';
import { nameShown } from '../errors/name-shown.ts';
import type { Messages } from '../messages/messages.ts';
import type { SimulationView } from '../schemas/policy.ts';

export interface SimulatedWithdrawal {
  amount: string;
  currency: string;
  toAddress: string;
  network: string;
  client: string;
  walletBalance?: string;
}

const HOLDS = { true: 'yes', false: 'no', unknown: 'unknown' } as const;
const holdsIn = (truth: Truth) => HOLDS[`${truth}`];

/**
 * Says what a policy would say of a withdrawal asked for now, and why. Reads only. Other withdrawals may be counted between
 * this answer and a real one. Throws `POLICY_MISSING` when it is to be judged by the live rules and there are none.
 * @param rules rules to try instead of the live ones
 */
export async function simulate(deps: { database: Queryable; chain: ChainSettings; messages: Messages }, withdrawal: SimulatedWithdrawal, rules: Policy | null): Promise<SimulationView> {
  const { database, chain } = deps;
  if (withdrawal.network !== chain.network) throw new EngineError('UNSUPPORTED_NETWORK', nameShown('network', withdrawal.network));
  const asset = await findAsset(database, chain.network, withdrawal.currency);
  if (!asset) throw new EngineError('UNSUPPORTED_CURRENCY', nameShown('currency', withdrawal.currency));
  const owner = await findUserByEmail(database, withdrawal.client);
  if (!owner) throw new EngineError('VALIDATION_FAILED', { field: 'withdrawal.client', reason: 'unknown-account' });
  const { currency, decimals } = asset;
  const subject = { ownerId: owner.id, network: chain.network, currency, decimals, amount: parseAmount(withdrawal.amount, decimals), toAddress: parseAddress(withdrawal.toAddress) };

  const live = rules ? undefined : await findLivePolicy(database);
  if (!rules && !live) throw new EngineError('POLICY_MISSING');
  const policy = rules ?? rulesOf(live as NonNullable<typeof live>);
  const now = new Date();
  const standing = await readStandingFacts(database, subject, now);
  const usage = await readUsage(database, { chainId: chain.chainId, ownerId: owner.id, currency }, now);
  const facts: PolicyFacts = { ...standing, usage, ...(withdrawal.walletBalance !== undefined && { walletBalance: balanceIn(withdrawal.walletBalance, decimals) }) };

  // More than the asset's largest amount comes to no rule: it is refused where the engine accepts, and where it holds funds.
  const tooMuch = subject.amount > asset.maxAmount;
  const verdict: Verdict = tooMuch ? { kind: 'denied', rule: 'per-transaction', code: 'LIMIT_EXCEEDED', limit: { name: 'amount', maximum: formatAmount(asset.maxAmount, decimals) } } : judge(policy, facts);
  return {
    version: live?.version ?? null,
    verdict: verdict.kind,
    rule: verdict.rule,
    errorCode: verdict.kind === 'denied' ? verdict.code : null,
    errorMessage: verdict.kind === 'denied' ? deps.messages.errors[verdict.code](verdict.limit ? { reason: verdict.limit.name, maximum: verdict.limit.maximum, currency } : {}) : null,
    approvals: verdict.kind === 'allowed' && verdict.approvals ? { ...verdict.approvals, approvers: verdict.approvals.approvers && [...verdict.approvals.approvers] } : null,
    facts: {
      destination: facts.destination,
      knownForMs: standing.knownForMs,
      usage: { client: usageView(usage.client, decimals), everyone: usageView(usage.everyone, decimals) },
      walletBalance: facts.walletBalance === undefined ? null : formatAmount(facts.walletBalance, decimals),
    },
    rules: tooMuch ? [] : explain(policy, facts).map(({ rule, holds, conditions }) => ({ rule, holds: holdsIn(holds), conditions: conditions.map(({ condition, holds: each }) => ({ condition, holds: holdsIn(each) })) })),
  };
}

/** A wallet may be empty; a withdrawal may not ask for nothing. */
function balanceIn(text: string, decimals: number): bigint {
  return /^0(\.0+)?$/.test(text) ? 0n : parseAmount(text, decimals);
}

function usageView({ hourTotal, dayTotal, hourCount, dayCount }: Usage, decimals: number) {
  return { hourTotal: formatAmount(hourTotal, decimals), dayTotal: formatAmount(dayTotal, decimals), hourCount, dayCount };
}
