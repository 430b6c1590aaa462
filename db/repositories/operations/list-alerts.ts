import { and, desc, eq, isNotNull, isNull, lt } from 'drizzle-orm';
import type { AlertKind } from '../../../domain/alerts.ts';
import type { Queryable } from '../../client.ts';
import { alerts } from '../../schema/index.ts';
import type { AlertRow } from './alerts.ts';

export interface AlertPage {
  open: boolean;
  kind?: AlertKind | undefined;
  subject?: string | undefined;
  /** the id the page before ended at */
  after?: number | undefined;
  limit: number;
}

/** A page of alerts, newest first; `next` is null on the last page. */
export async function pageAlerts(queryable: Queryable, page: AlertPage): Promise<{ rows: AlertRow[]; next: number | null }> {
  const found = await queryable
    .select()
    .from(alerts)
    .where(
      and(
        page.open ? isNull(alerts.resolvedAt) : isNotNull(alerts.resolvedAt),
        page.kind === undefined ? undefined : eq(alerts.kind, page.kind),
        page.subject === undefined ? undefined : eq(alerts.subject, page.subject),
        page.after === undefined ? undefined : lt(alerts.id, page.after),
      ),
    )
    .orderBy(desc(alerts.id))
    .limit(page.limit + 1);
  const last = found.length > page.limit ? found[page.limit - 1] : undefined;
  return { rows: found.slice(0, page.limit), next: last?.id ?? null };
}
