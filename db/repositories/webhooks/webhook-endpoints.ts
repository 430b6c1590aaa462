import { and, count, desc, eq, gt, inArray, isNotNull, isNull, lt, lte, or } from 'drizzle-orm';
import type { WebhookOffReason } from '../../../domain/webhooks.ts';
import type { Database, Queryable, Transaction } from '../../client.ts';
import { users, webhookEndpoints, webhookSecrets } from '../../schema/index.ts';
import { transact } from '../../transact.ts';
import type { Visibility } from '../withdrawals/read-withdrawals.ts';

export type WebhookEndpointRow = typeof webhookEndpoints.$inferSelect;
export type WebhookSecretRow = typeof webhookSecrets.$inferSelect;
export type NewWebhookEndpoint = Pick<WebhookEndpointRow, 'ownerId' | 'url' | 'description' | 'events'>;
export type WebhookChanges = Partial<Pick<WebhookEndpointRow, 'url' | 'description' | 'events' | 'offAt' | 'offReason' | 'failingSince'>>;
/** Seals a new secret for the endpoint of this id. */
export type SealSecret = (endpointId: number) => string;

/** What the alert about an endpoint names. */
export const webhookAlertSubject = (id: number): string => `webhook-${id}`;

const kept = (visibility: Visibility) => and(isNull(webhookEndpoints.deletedAt), visibility === 'all' ? undefined : eq(webhookEndpoints.ownerId, visibility.ownerId));

/** Adds an endpoint with its first secret. The owner's row is held meanwhile, so that calls at once do not pass the limit together. Null at the limit. */
export async function createEndpoint(db: Database, endpoint: NewWebhookEndpoint, options: { seal: SealSecret; perOwnerMax: number; now: Date }): Promise<WebhookEndpointRow | null> {
  const { seal, perOwnerMax, now } = options;
  return transact(db, async (tx) => {
    await tx.select({ id: users.id }).from(users).where(eq(users.id, endpoint.ownerId)).for('update');
    const [{ endpoints } = { endpoints: 0 }] = await tx.select({ endpoints: count() }).from(webhookEndpoints).where(kept({ ownerId: endpoint.ownerId }));
    if (endpoints >= perOwnerMax) return null;
    const row = { ...endpoint, createdAt: now, updatedAt: now };
    const [{ insertId: id }] = await tx.insert(webhookEndpoints).values(row);
    await tx.insert(webhookSecrets).values({ endpointId: id, sealed: seal(id), createdAt: now });
    return { ...row, id, offAt: null, offReason: null, failingSince: null, deletedAt: null };
  });
}

/** One endpoint, or nothing when there is none, it was removed, or it is another's. */
export async function findEndpoint(queryable: Queryable, id: number, visibility: Visibility): Promise<WebhookEndpointRow | undefined> {
  const [row] = await queryable.select().from(webhookEndpoints).where(and(eq(webhookEndpoints.id, id), kept(visibility)));
  return row;
}

/** A page of endpoints, newest first; `next` is null on the last page. */
export async function pageEndpoints(db: Queryable, page: { visibility: Visibility; before: number | undefined; limit: number }): Promise<{ rows: WebhookEndpointRow[]; next: number | null }> {
  const found = await db
    .select()
    .from(webhookEndpoints)
    .where(and(kept(page.visibility), page.before === undefined ? undefined : lt(webhookEndpoints.id, page.before)))
    .orderBy(desc(webhookEndpoints.id))
    .limit(page.limit + 1);
  const rows = found.slice(0, page.limit);
  return { rows, next: found.length > page.limit ? (rows.at(-1)?.id ?? null) : null };
}

/** Sets what an owner may change. Called twice: the same values again. */
export async function changeEndpoint(tx: Transaction, id: number, changes: WebhookChanges, now: Date): Promise<void> {
  await tx.update(webhookEndpoints).set({ ...changes, updatedAt: now }).where(eq(webhookEndpoints.id, id));
}

/** Removes an endpoint and its secrets; its messages end at their next attempt. Called twice: it stays removed. */
export async function removeEndpoint(tx: Transaction, id: number, now: Date): Promise<void> {
  await tx.update(webhookEndpoints).set({ deletedAt: now, updatedAt: now }).where(and(eq(webhookEndpoints.id, id), isNull(webhookEndpoints.deletedAt)));
  await tx.delete(webhookSecrets).where(eq(webhookSecrets.endpointId, id));
}

/** Switches an endpoint off, unless it is. @returns true when this call did */
export async function switchOff(tx: Transaction, id: number, reason: WebhookOffReason, now: Date, failingSinceBefore?: Date): Promise<boolean> {
  const [result] = await tx
    .update(webhookEndpoints)
    .set({ offAt: now, offReason: reason, updatedAt: now })
    .where(and(eq(webhookEndpoints.id, id), isNull(webhookEndpoints.offAt), failingSinceBefore === undefined ? undefined : lte(webhookEndpoints.failingSince, failingSinceBefore)));
  return result.affectedRows === 1;
}

/** Notes whether the receiver answers as it should. Writes only where that is news. */
export async function noteAnswer(tx: Transaction, id: number, answered: boolean, at: Date): Promise<void> {
  await tx
    .update(webhookEndpoints)
    .set({ failingSince: answered ? null : at })
    .where(and(eq(webhookEndpoints.id, id), answered ? isNotNull(webhookEndpoints.failingSince) : isNull(webhookEndpoints.failingSince)));
}

/** The secrets messages are signed with now, newest first. */
export async function listLiveSecrets(queryable: Queryable, endpointIds: readonly number[], now: Date): Promise<WebhookSecretRow[]> {
  if (endpointIds.length === 0) return [];
  return queryable
    .select()
    .from(webhookSecrets)
    .where(and(inArray(webhookSecrets.endpointId, [...endpointIds]), or(isNull(webhookSecrets.expiresAt), gt(webhookSecrets.expiresAt, now))))
    .orderBy(desc(webhookSecrets.id));
}

/**
 * Adds a secret; the ones before it are signed with until `overlapEndsAt`, or until their own earlier end. Null when that would
 * leave more than `liveMax`. Not idempotent: each call makes another secret.
 */
export async function addSecret(db: Database, endpointId: number, options: { seal: SealSecret; overlapEndsAt: Date; liveMax: number; now: Date }): Promise<WebhookSecretRow[] | null> {
  const { seal, overlapEndsAt, liveMax, now } = options;
  return transact(db, async (tx) => {
    // Held, so that two rotations at once do not leave a secret too many.
    await tx.select({ id: webhookEndpoints.id }).from(webhookEndpoints).where(eq(webhookEndpoints.id, endpointId)).for('update');
    const live = overlapEndsAt <= now ? [] : await listLiveSecrets(tx, [endpointId], now);
    if (live.length >= liveMax) return null;
    await tx
      .update(webhookSecrets)
      .set({ expiresAt: overlapEndsAt })
      .where(and(eq(webhookSecrets.endpointId, endpointId), or(isNull(webhookSecrets.expiresAt), gt(webhookSecrets.expiresAt, overlapEndsAt))));
    await tx.delete(webhookSecrets).where(and(eq(webhookSecrets.endpointId, endpointId), lte(webhookSecrets.expiresAt, now)));
    await tx.insert(webhookSecrets).values({ endpointId, sealed: seal(endpointId), createdAt: now });
    return listLiveSecrets(tx, [endpointId], now);
  });
}
