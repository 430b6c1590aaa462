import { parseAddress } from './address.ts';
import { isErrorCode, mayTryAnew, type ErrorCode } from './errors.ts';
import { formatAmount } from './money.ts';
import { outcomeOf, WITHDRAWAL_STATUSES, type WithdrawalStatus } from './status.ts';

/** Steps of the engine's own, milliseconds apart: nobody outside can act on them, and the timeline has them. */
const SILENT = ['SIGNING', 'SIGNED', 'BROADCASTING'] as const satisfies readonly WithdrawalStatus[];
type ToldStatus = Exclude<WithdrawalStatus, (typeof SILENT)[number]>;

/** The timeline's word for a receipt that a reorg took away. */
export const UNCONFIRMED_EVENT = 'unconfirmed by reorg';

export type WebhookEventType = `withdrawal.${Lowercase<ToldStatus>}` | 'withdrawal.unconfirmed';

const isTold = (status: WithdrawalStatus): status is ToldStatus => !(SILENT as readonly WithdrawalStatus[]).includes(status);
const typeOf = (status: ToldStatus) => `withdrawal.${status.toLowerCase()}` as WebhookEventType;

/** What an endpoint may ask for: one type a status entered, and one for a reorg that took a receipt away. */
export const WEBHOOK_EVENT_TYPES: readonly WebhookEventType[] = [...WITHDRAWAL_STATUSES.filter(isTold).map(typeOf), 'withdrawal.unconfirmed'];

/** The type of a status change, or null when nobody is told of it. `event` is the timeline's type. */
export function webhookTypeOf(status: WithdrawalStatus, event: string): WebhookEventType | null {
  if (!isTold(status)) return null;
  return event === UNCONFIRMED_EVENT ? 'withdrawal.unconfirmed' : typeOf(status);
}

/** What a message tells of a withdrawal, as its row stands. */
export interface WebhookWithdrawal {
  requestId: string;
  status: WithdrawalStatus;
  hasLivePayment: boolean;
  /** base units */
  amount: bigint;
  decimals: number;
  currency: string;
  toAddress: string;
  tokenAddress: string | null;
  network: string;
  txHash: string | null;
  errorCode: string | null;
  createdAt: Date;
  updatedAt: Date;
  completedAt: Date | null;
}

/**
 * The body of a message, as bytes will be signed: JSON without spaces. The withdrawal has the shape of the HTTP API, without what is
 * made for people (`errorMessage`, `outcomeNote`, `explorerUrl`): a message has no language, and programs decide by the code.
 * @param eventId the timeline entry's; grows with each event of one withdrawal
 */
export function webhookPayload(type: WebhookEventType, eventId: number, at: Date, row: WebhookWithdrawal): string {
  const outcome = outcomeOf(row.status, row.hasLivePayment);
  const errorCode: ErrorCode | null = row.errorCode === null || isErrorCode(row.errorCode) ? row.errorCode : 'INTERNAL';
  return JSON.stringify({
    type,
    timestamp: at.toISOString(),
    eventId,
    data: {
      requestId: row.requestId,
      status: row.status,
      outcome,
      amount: formatAmount(row.amount, row.decimals),
      currency: row.currency,
      toAddress: parseAddress(row.toAddress),
      tokenAddress: row.tokenAddress === null ? null : parseAddress(row.tokenAddress),
      network: row.network,
      txHash: row.txHash,
      errorCode,
      retryable: mayTryAnew(outcome, errorCode),
      createdAt: row.createdAt.toISOString(),
      updatedAt: row.updatedAt.toISOString(),
      completedAt: row.completedAt?.toISOString() ?? null,
    },
  });
}
