import { and, desc, eq, gte, lt, or, type SQL } from 'drizzle-orm';
import type { AuditAction, AuditRecord } from '../../../domain/audit.ts';
import type { Queryable } from '../../client.ts';
import { auditChain, auditLog } from '../../schema/index.ts';

/** A row about to be written: the database gives the id. */
export type NewAuditRecord = Omit<AuditRecord, 'id'>;

/**
 * Appends a row; the chainer links it later. Not idempotent. What must not happen without its row is written in the same
 * transaction, or after this has returned.
 */
export async function appendAudit(db: Queryable, record: NewAuditRecord): Promise<void> {
  await db.insert(auditLog).values(record);
}

/** What a reader looks for; all of it must hold. */
export interface AuditSearch {
  /** an account's number, or a name as it stands in the log */
  actor?: string | undefined;
  action?: AuditAction | undefined;
  /** the id of what was changed */
  target?: string | undefined;
  /** at or after */
  from?: Date | undefined;
  /** before */
  to?: Date | undefined;
  /** the id the page before ended at */
  after?: number | undefined;
  limit: number;
}

/** A page, newest first, each row with its place in the chain, null while it waits for one; `next` is null on the last page. */
export async function pageAudit(db: Queryable, search: AuditSearch): Promise<{ rows: { record: AuditRecord; position: number | null }[]; next: number | null }> {
  const found = await db
    .select({ record: auditLog, position: auditChain.position })
    .from(auditLog)
    .leftJoin(auditChain, eq(auditChain.auditId, auditLog.id))
    .where(
      and(
        given(search.actor, byActor),
        given(search.action, (value) => eq(auditLog.action, value)),
        given(search.target, (value) => eq(auditLog.targetId, value)),
        given(search.from, (value) => gte(auditLog.at, value)),
        given(search.to, (value) => lt(auditLog.at, value)),
        given(search.after, (value) => lt(auditLog.id, value)),
      ),
    )
    .orderBy(desc(auditLog.id))
    .limit(search.limit + 1);
  const rows = found.slice(0, search.limit);
  return { rows, next: found.length > search.limit ? (rows.at(-1)?.record.id ?? null) : null };
}

/** A number is an account's, and everything may be a name: a command's user may be called by digits. */
function byActor(actor: string): SQL | undefined {
  const name = eq(auditLog.actorName, actor);
  return /^[1-9][0-9]{0,8}$/.test(actor) ? or(name, eq(auditLog.actorId, Number(actor))) : name;
}

function given<T>(value: T | undefined, condition: (value: T) => SQL | undefined): SQL | undefined {
  return value === undefined ? undefined : condition(value);
}
