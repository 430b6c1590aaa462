import { and, asc, count, desc, eq, gt, inArray, isNull, lte, max, min } from 'drizzle-orm';
import { AUDIT_GENESIS, linkAfter, type AuditBreak, type AuditHead, type AuditRecord, type ChainedRecord } from '../../../domain/audit.ts';
import type { Database, Queryable } from '../../client.ts';
import { auditChain, auditLog, auditPending } from '../../schema/index.ts';
import { transact } from '../../transact.ts';

/** The last link. */
export async function readAuditHead(db: Queryable): Promise<AuditHead> {
  const [row] = await db.select({ position: auditChain.position, hash: auditChain.hash }).from(auditChain).orderBy(desc(auditChain.position)).limit(1);
  return row ?? AUDIT_GENESIS;
}

/** The hash at a position; null where the chain has no such link. */
export async function readAuditHash(db: Queryable, position: number): Promise<string | null> {
  if (position === AUDIT_GENESIS.position) return AUDIT_GENESIS.hash;
  const [row] = await db.select({ hash: auditChain.hash }).from(auditChain).where(eq(auditChain.position, position));
  return row?.hash ?? null;
}

export interface Chained {
  head: AuditHead;
  /** rows that were linked now */
  linked: number;
  /** rows that waited for a link and are gone: nobody but a hand in the database takes them away */
  missing: number[];
}

/**
 * Links up to `limit` committed rows that have no link yet, by their ids. What is committed later is linked by a later call,
 * whatever its id. Two at once: the second waits until the first is through; where there is no link yet the key of position 1
 * refuses it, and the next call goes on. Dies in the middle: nothing was linked.
 */
export async function chainAudit(db: Database, limit: number): Promise<Chained> {
  return transact(db, async (tx) => {
    // Only for the lock, so always the same link: who waited for the last one would hold one that is the last no more. What was linked
    // meanwhile is read anew below.
    await tx.select({ position: auditChain.position }).from(auditChain).orderBy(asc(auditChain.position)).limit(1).for('update');
    const waiting = await tx
      .select({ id: auditPending.auditId, record: auditLog, linkedAt: auditChain.position })
      .from(auditPending)
      .leftJoin(auditLog, eq(auditLog.id, auditPending.auditId))
      .leftJoin(auditChain, eq(auditChain.auditId, auditPending.auditId))
      .orderBy(asc(auditPending.auditId))
      .limit(limit);
    let head = await readAuditHead(tx);
    const links: (AuditHead & { auditId: number })[] = [];
    for (const { id, record, linkedAt } of waiting) {
      if (record === null || linkedAt !== null) continue;
      head = linkAfter(head, record);
      links.push({ ...head, auditId: id });
    }
    if (links.length > 0) await tx.insert(auditChain).values(links);
    // A row that is gone stays listed: it is the only sign that it ever was.
    const done = waiting.filter(({ record, linkedAt }) => record !== null || linkedAt !== null).map(({ id }) => id);
    if (done.length > 0) await tx.delete(auditPending).where(inArray(auditPending.auditId, done));
    return { head, linked: links.length, missing: waiting.filter(({ record, linkedAt }) => record === null && linkedAt === null).map(({ id }) => id) };
  });
}

/** The next links after a position with the rows they name, in order. */
export async function readChain(db: Queryable, after: number, limit: number): Promise<ChainedRecord[]> {
  const rows = await db
    .select({ position: auditChain.position, hash: auditChain.hash, record: auditLog })
    .from(auditChain)
    .leftJoin(auditLog, eq(auditLog.id, auditChain.auditId))
    .where(gt(auditChain.position, after))
    .orderBy(asc(auditChain.position))
    .limit(limit);
  return rows satisfies { record: AuditRecord | null }[];
}

/** How many rows wait for their link, and since when the longest. */
export async function readWaiting(db: Queryable): Promise<{ waiting: number; oldestAt: Date | null }> {
  const [row] = await db.select({ waiting: count(), oldestAt: min(auditLog.at) }).from(auditPending).leftJoin(auditLog, eq(auditLog.id, auditPending.auditId));
  return { waiting: row?.waiting ?? 0, oldestAt: row?.oldestAt ?? null };
}

export async function lastAuditId(db: Queryable): Promise<number> {
  const [row] = await db.select({ id: max(auditLog.id) }).from(auditLog);
  return row?.id ?? 0;
}

/**
 * The first row with an id in (after, upTo] that is neither linked nor waiting to be: it was put in, or taken out of the chain,
 * behind the engine's back.
 */
export async function findUnchained(db: Queryable, after: number, upTo: number): Promise<AuditBreak | null> {
  const [row] = await db
    .select({ id: auditLog.id })
    .from(auditLog)
    .leftJoin(auditChain, eq(auditChain.auditId, auditLog.id))
    .leftJoin(auditPending, eq(auditPending.auditId, auditLog.id))
    .where(and(gt(auditLog.id, after), lte(auditLog.id, upTo), isNull(auditChain.auditId), isNull(auditPending.auditId)))
    .orderBy(asc(auditLog.id))
    .limit(1);
  return row ? { position: row.id, what: 'row-unchained' } : null;
}

/** The first row that waits for its link and is gone. */
export async function findWaitingMissing(db: Queryable): Promise<AuditBreak | null> {
  const [row] = await db
    .select({ id: auditPending.auditId })
    .from(auditPending)
    .leftJoin(auditLog, eq(auditLog.id, auditPending.auditId))
    .leftJoin(auditChain, eq(auditChain.auditId, auditPending.auditId))
    .where(and(isNull(auditLog.id), isNull(auditChain.auditId)))
    .orderBy(asc(auditPending.auditId))
    .limit(1);
  return row ? { position: row.id, what: 'waiting-row-missing' } : null;
}
