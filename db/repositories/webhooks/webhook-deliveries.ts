import { and, asc, desc, eq, inArray, lt, lte } from 'drizzle-orm';
import type { AttemptVerdict } from '../../../domain/webhooks.ts';
import type { Database, Queryable, Transaction } from '../../client.ts';
import { webhookAttempts, webhookDeliveries, webhookEndpoints } from '../../schema/index.ts';
import { transact } from '../../transact.ts';
import { raiseAlert } from '../operations/alerts.ts';
import { noteAnswer, switchOff, webhookAlertSubject, type WebhookEndpointRow } from './webhook-endpoints.ts';

export type WebhookDeliveryRow = typeof webhookDeliveries.$inferSelect;
export type WebhookAttemptRow = typeof webhookAttempts.$inferSelect;

/** A message with where it goes. */
export interface AddressedDelivery {
  delivery: WebhookDeliveryRow;
  endpoint: WebhookEndpointRow;
}

/** A message, whether its endpoint was removed or not. */
export async function findDelivery(queryable: Queryable, id: number): Promise<AddressedDelivery | undefined> {
  const [row] = await queryable
    .select({ delivery: webhookDeliveries, endpoint: webhookEndpoints })
    .from(webhookDeliveries)
    .innerJoin(webhookEndpoints, eq(webhookEndpoints.id, webhookDeliveries.endpointId))
    .where(eq(webhookDeliveries.id, id));
  return row;
}

/** What an attempt came to. */
export interface AttemptRecord {
  startedAt: Date;
  durationMs: number;
  statusCode: number | null;
  error: WebhookAttemptRow['error'];
  response: string | null;
  /** `off`: nothing was sent, and nothing will be */
  verdict: AttemptVerdict | { kind: 'off' };
}

export interface RecordOptions {
  now: Date;
  /** a retry's workflow that has not been heard of for this long after it was due is started again */
  restartAfterMs: number;
  /** an endpoint that has failed since before then is switched off once a message is given up */
  failingSinceBefore: Date;
  /** of the alert that is raised then */
  chainId: number;
}

/**
 * Records an attempt and what it means for message and endpoint, in one transaction. The attempt's ordinal is the database's: of two
 * executions that sent the same one, one records it.
 * @returns `stale` when another one did, `switched-off` when the endpoint was by this attempt
 */
export async function recordAttempt(db: Database, { delivery: seen, endpoint }: AddressedDelivery, attempt: AttemptRecord, options: RecordOptions): Promise<'recorded' | 'stale' | 'switched-off'> {
  const { verdict, ...answer } = attempt;
  return transact(db, async (tx) => {
    const [standing] = await tx.select().from(webhookDeliveries).where(eq(webhookDeliveries.id, seen.id)).for('update');
    if (standing?.state !== 'PENDING' || standing.round !== seen.round || standing.attempts !== seen.attempts) return 'stale';
    const attempts = standing.attempts + 1;
    const failures = standing.failures + (verdict.kind === 'delivered' ? 0 : 1);
    await tx.insert(webhookAttempts).values({ deliveryId: seen.id, ordinal: attempts, ...answer });
    await tx
      .update(webhookDeliveries)
      .set({ attempts, failures, ...after(verdict, options) })
      .where(eq(webhookDeliveries.id, seen.id));
    // Nothing was sent: that says nothing of the receiver.
    if (verdict.kind === 'off' || answer.error === 'SECRET_UNREADABLE') return 'recorded';
    await noteAnswer(tx, endpoint.id, verdict.kind === 'delivered', attempt.startedAt);
    return (await switchOffAfter(tx, verdict, endpoint, options)) ? 'switched-off' : 'recorded';
  });
}

function after(verdict: AttemptRecord['verdict'], { now, restartAfterMs }: RecordOptions): Partial<WebhookDeliveryRow> {
  if (verdict.kind !== 'retry') return { state: verdict.kind === 'delivered' ? 'DELIVERED' : 'FAILED', nextAttemptAt: null, startAt: null, endedAt: now };
  const nextAttemptAt = new Date(now.getTime() + verdict.waitMs);
  return { nextAttemptAt, startAt: new Date(nextAttemptAt.getTime() + restartAfterMs) };
}

/** A receiver that says it is gone is believed at once; one that only fails is switched off after long enough, and a person is called. */
async function switchOffAfter(tx: Transaction, verdict: AttemptVerdict, endpoint: WebhookEndpointRow, { now, failingSinceBefore, chainId }: RecordOptions): Promise<boolean> {
  if (verdict.kind === 'gone') return switchOff(tx, endpoint.id, 'GONE', now);
  if (verdict.kind !== 'exhausted' || !(await switchOff(tx, endpoint.id, 'FAILING', now, failingSinceBefore))) return false;
  const detail = { ownerId: endpoint.ownerId, failingSince: endpoint.failingSince?.toISOString() ?? null };
  await raiseAlert(tx, { kind: 'WEBHOOK_DISABLED', chainId, subject: webhookAlertSubject(endpoint.id), detail });
  return true;
}

/** A message whose workflow is to be started. */
export type DueDelivery = Pick<WebhookDeliveryRow, 'id' | 'round' | 'startAt'>;

/** Messages whose workflow is to be started, or has not been heard of in time: oldest first. */
export async function listDueDeliveries(queryable: Queryable, now: Date, limit: number): Promise<DueDelivery[]> {
  return queryable
    .select({ id: webhookDeliveries.id, round: webhookDeliveries.round, startAt: webhookDeliveries.startAt })
    .from(webhookDeliveries)
    .where(lte(webhookDeliveries.startAt, now))
    .orderBy(asc(webhookDeliveries.startAt), asc(webhookDeliveries.id))
    .limit(limit);
}

/** Notes that the workflow was started; it is started again at `againAt` unless an attempt is recorded before. What was recorded meanwhile stands. */
export async function noteStarted(queryable: Queryable, due: DueDelivery, againAt: Date): Promise<void> {
  if (due.startAt === null) return;
  await queryable.update(webhookDeliveries).set({ startAt: againAt }).where(and(eq(webhookDeliveries.id, due.id), eq(webhookDeliveries.startAt, due.startAt)));
}

/** Sends an ended message anew, with the id and body it had. Called twice, the second call finds it under way. */
export async function redeliver(db: Database, endpointId: number, id: number, now: Date): Promise<WebhookDeliveryRow | 'not-found' | 'under-way'> {
  return transact(db, async (tx) => {
    const [row] = await tx
      .select()
      .from(webhookDeliveries)
      .where(and(eq(webhookDeliveries.id, id), eq(webhookDeliveries.endpointId, endpointId)))
      .for('update');
    if (!row) return 'not-found';
    if (row.state === 'PENDING') return 'under-way';
    const changes = { state: 'PENDING' as const, round: row.round + 1, failures: 0, startAt: now, nextAttemptAt: now, endedAt: null };
    await tx.update(webhookDeliveries).set(changes).where(eq(webhookDeliveries.id, id));
    return { ...row, ...changes };
  });
}

export interface DeliveryPage {
  endpointId: number;
  state?: WebhookDeliveryRow['state'] | undefined;
  before: number | undefined;
  limit: number;
}

/** A page of an endpoint's messages, newest first, each with its last attempt. */
export async function pageDeliveries(queryable: Queryable, page: DeliveryPage): Promise<{ rows: { delivery: WebhookDeliveryRow; lastAttempt: WebhookAttemptRow | null }[]; next: number | null }> {
  const found = await queryable
    .select({ delivery: webhookDeliveries, lastAttempt: webhookAttempts })
    .from(webhookDeliveries)
    .leftJoin(webhookAttempts, and(eq(webhookAttempts.deliveryId, webhookDeliveries.id), eq(webhookAttempts.ordinal, webhookDeliveries.attempts)))
    .where(
      and(
        eq(webhookDeliveries.endpointId, page.endpointId),
        page.state === undefined ? undefined : eq(webhookDeliveries.state, page.state),
        page.before === undefined ? undefined : lt(webhookDeliveries.id, page.before),
      ),
    )
    .orderBy(desc(webhookDeliveries.id))
    .limit(page.limit + 1);
  const rows = found.slice(0, page.limit);
  return { rows, next: found.length > page.limit ? (rows.at(-1)?.delivery.id ?? null) : null };
}

/** Removes messages that ended long ago, and their attempts, a batch at a time. @returns how many */
export async function removeOldDeliveries(db: Database, endedBefore: Date, limit: number): Promise<number> {
  return transact(db, async (tx) => {
    const old = await tx.select({ id: webhookDeliveries.id }).from(webhookDeliveries).where(lt(webhookDeliveries.endedAt, endedBefore)).orderBy(asc(webhookDeliveries.endedAt)).limit(limit).for('update', { skipLocked: true });
    const ids = old.map(({ id }) => id);
    if (ids.length === 0) return 0;
    await tx.delete(webhookAttempts).where(inArray(webhookAttempts.deliveryId, ids));
    await tx.delete(webhookDeliveries).where(inArray(webhookDeliveries.id, ids));
    return ids.length;
  });
}
