import { and, desc, eq, isNull, like, or, sql } from 'drizzle-orm';
import type { AlertKind } from '../../../domain/alerts.ts';
import type { Queryable } from '../../client.ts';
import { alerts } from '../../schema/index.ts';

export type AlertRow = typeof alerts.$inferSelect;

export interface Alert {
  kind: AlertKind;
  chainId: number;
  /** a wallet's address, a requestId, a transaction's hash */
  subject: string;
  detail?: Record<string, string | number | null>;
}

const openKeyOf = (kind: AlertKind, subject: string) => `${kind}:${subject}`;

/**
 * Opens an alert, or notes that an open one was seen again: one condition calls once, however many processes see it.
 * @returns true when it was not open before
 */
export async function raiseAlert(queryable: Queryable, alert: Alert): Promise<boolean> {
  const now = new Date();
  const [result] = await queryable
    .insert(alerts)
    .values({ ...alert, detail: alert.detail ?? {}, openKey: openKeyOf(alert.kind, alert.subject), raisedAt: now, seenAt: now })
    .onDuplicateKeyUpdate({ set: { seenAt: now, timesSeen: sql`${alerts.timesSeen} + 1` } });
  // MySQL counts an inserted row as one, a row updated by its duplicate as two.
  return result.affectedRows === 1;
}

/**
 * Closes an alert whose condition is gone. Called twice: it stays closed.
 * @returns true when it was open
 */
export async function resolveAlert(queryable: Queryable, kind: AlertKind, subject: string): Promise<boolean> {
  const [result] = await queryable.update(alerts).set({ openKey: null, resolvedAt: new Date() }).where(eq(alerts.openKey, openKeyOf(kind, subject)));
  return result.affectedRows === 1;
}

/** Open alerts, newest first; of one subject where given. */
export async function listOpenAlerts(queryable: Queryable, subject?: string): Promise<AlertRow[]> {
  return queryable
    .select()
    .from(alerts)
    .where(and(isNull(alerts.resolvedAt), subject === undefined ? undefined : eq(alerts.subject, subject)))
    .orderBy(desc(alerts.id));
}

/** What alerts of one kind are open about. */
export async function listAlertedSubjects(queryable: Queryable, kind: AlertKind): Promise<ReadonlySet<string>> {
  // By the open key's prefix, which is its index: the closed ones are many.
  const rows = await queryable.select({ subject: alerts.subject }).from(alerts).where(like(alerts.openKey, `${kind.replaceAll('_', '\\_')}:%`));
  return new Set(rows.map(({ subject }) => subject));
}

/** Open alerts about a wallet, newest first: about itself, and about something of it (`<address> <what>`). */
export async function listOpenAlertsOfWallet(queryable: Queryable, address: string): Promise<AlertRow[]> {
  return queryable
    .select()
    .from(alerts)
    .where(and(isNull(alerts.resolvedAt), or(eq(alerts.subject, address), like(alerts.subject, `${address} %`))))
    .orderBy(desc(alerts.id));
}
