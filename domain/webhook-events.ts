import { WITHDRAWAL_STATUSES, type WithdrawalStatus } from './status.ts';
import { withdrawalFacts, type ToldWithdrawal } from './withdrawal-facts.ts';

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

/**
 * The body of a message, as bytes will be signed: JSON without spaces. The withdrawal has the shape of the HTTP API, without what is
 * made for people (`errorMessage`, `outcomeNote`, `explorerUrl`): a message has no language, and programs decide by the code.
 * @param eventId the timeline entry's; grows with each event of one withdrawal
 */
export function webhookPayload(type: WebhookEventType, eventId: number, at: Date, row: ToldWithdrawal): string {
  return JSON.stringify({ type, timestamp: at.toISOString(), eventId, data: withdrawalFacts(row) });
}
