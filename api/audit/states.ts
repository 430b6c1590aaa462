import { eq } from 'drizzle-orm';
import type { ListedAddressRow } from '../../db/repositories/policy/listed-addresses.ts';
import { findLivePolicy, type PolicyRow } from '../../db/repositories/policy/policies.ts';
import { findWithdrawal } from '../../db/repositories/withdrawals/read-withdrawals.ts';
import type { WebhookEndpointRow } from '../../db/repositories/webhooks/webhook-endpoints.ts';
import type { WithdrawalRow } from '../../db/repositories/withdrawals/withdrawals.ts';
import type { Queryable } from '../../db/client.ts';
import { listedAddresses, policies } from '../../db/schema/index.ts';
import { formatAmount } from '../../domain/money.ts';

/** What the audit log keeps of a thing before and after a change: little, and never a secret. */

export function withdrawalState({ status, cancelIntentAt, amount, decimals, currency, toAddress, errorCode }: WithdrawalRow): object {
  return { status, cancelRequested: cancelIntentAt !== null, amount: formatAmount(amount, decimals), currency, toAddress, errorCode };
}

/** @returns undefined for one that is not there */
export async function readWithdrawalState(database: Queryable, requestId: string): Promise<object | undefined> {
  const row = await findWithdrawal(database, requestId, 'all');
  return row && withdrawalState(row);
}

export function policyState({ version, status, baseVersion, document, reason, decisionReason }: PolicyRow): object {
  return { version, status, baseVersion, rules: document.rules, reason, decisionReason };
}

/** The version as it stands, and which one is in force. */
export async function readPolicyState(database: Queryable, version: number): Promise<object> {
  const [row] = await database.select().from(policies).where(eq(policies.version, version));
  return { version: row ? policyState(row) : null, live: (await findLivePolicy(database))?.version ?? null };
}

export function listingState({ list, network, address, ownerId, label, status, reason, removalReason, decisionReason }: ListedAddressRow): object {
  return { list, network, address, ownerId, label, status, reason, removalReason, decisionReason };
}

/** @returns undefined for one that is not there */
export async function readListingState(database: Queryable, id: number): Promise<object | undefined> {
  const [row] = await database.select().from(listedAddresses).where(eq(listedAddresses.id, id));
  return row && listingState(row);
}

/** Of the address only where it leads: path and query may carry a secret of the receiver's. */
export function webhookState({ url, ownerId, description, events, offAt, offReason }: WebhookEndpointRow): object {
  return { origin: new URL(url).origin, ownerId, description, events, enabled: offAt === null, disabledReason: offReason };
}
