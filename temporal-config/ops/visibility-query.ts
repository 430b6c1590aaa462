import { parseAddress } from '../../domain/address.ts';
import { ERROR_CLASSES } from '../../domain/errors.ts';
import { WITHDRAWAL_STATUSES, type WithdrawalStatus } from '../../domain/status.ts';
import { SEARCH_ATTRIBUTES } from '../search-attributes.ts';
import { WITHDRAWAL_WORKFLOW } from '../start-withdrawal.ts';
import { OpsError } from './ops-error.ts';

/** What Temporal is told of a withdrawal's status: waits and ends. All between is `PENDING` there. */
export const LISTED_STATUSES = ['PENDING', 'AWAITING_APPROVAL', 'AWAITING_FUNDS', 'DEAD_LETTERED', 'COMPLETED', 'FAILED', 'REJECTED', 'CANCELLED'] as const satisfies readonly WithdrawalStatus[];

export interface WithdrawalFilter {
  readonly status?: string | undefined;
  readonly currency?: string | undefined;
  readonly wallet?: string | undefined;
  readonly deadLetterClass?: string | undefined;
  /** only those whose workflow has not ended */
  readonly open?: boolean | undefined;
}

/** Temporal's list filter for withdrawals. Every value is checked against what it may be, so nothing typed becomes part of the query's grammar. Throws `OpsError`. */
export function visibilityQuery(filter: WithdrawalFilter): string {
  const terms = [`WorkflowType = '${WITHDRAWAL_WORKFLOW}'`];
  if (filter.open) terms.push(`ExecutionStatus = 'Running'`);
  if (filter.status !== undefined) terms.push(`${SEARCH_ATTRIBUTES.status.name} = '${statusOf(filter.status)}'`);
  if (filter.currency !== undefined) terms.push(`${SEARCH_ATTRIBUTES.currency.name} = '${currencyOf(filter.currency)}'`);
  if (filter.wallet !== undefined) terms.push(`${SEARCH_ATTRIBUTES.wallet.name} = '${walletOf(filter.wallet)}'`);
  if (filter.deadLetterClass !== undefined) terms.push(`${SEARCH_ATTRIBUTES.deadLetterClass.name} = '${oneOf('class', ERROR_CLASSES, filter.deadLetterClass)}'`);
  return terms.join(' AND ');
}

function statusOf(text: string): string {
  const status = text.toUpperCase();
  if ((WITHDRAWAL_STATUSES as readonly string[]).includes(status) && !(LISTED_STATUSES as readonly string[]).includes(status)) {
    throw new OpsError('usage', `Temporal is told of waits and ends only: ask for PENDING, or the database by GET /admin/transactions?status=${status}`);
  }
  return oneOf('status', LISTED_STATUSES, status);
}

function oneOf(name: string, allowed: readonly string[], text: string): string {
  if (!allowed.includes(text)) throw new OpsError('usage', `--${name} is one of ${allowed.join(', ')}`);
  return text;
}

function currencyOf(text: string): string {
  const currency = text.toUpperCase();
  if (!/^[A-Z0-9]{1,16}$/.test(currency)) throw new OpsError('usage', '--currency takes a currency such as USDC');
  return currency;
}

function walletOf(text: string): string {
  try {
    return parseAddress(text);
  } catch (error) {
    throw new OpsError('usage', '--wallet takes the address of a hot wallet', { cause: error });
  }
}
