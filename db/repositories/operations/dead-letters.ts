import { and, eq, isNull, sql } from 'drizzle-orm';
import type { ErrorClass, ErrorCode } from '../../../domain/errors.ts';
import type { EndStatus } from '../../../domain/status.ts';
import type { Database, Queryable, Transaction } from '../../client.ts';
import { deadLetters } from '../../schema/index.ts';
import { transact } from '../../transact.ts';
import { appendEvent } from '../withdrawals/events.ts';

export type DeadLetterRow = typeof deadLetters.$inferSelect;

export interface NewDeadLetter {
  requestId: string;
  chainId: number;
  currency: string;
  code: ErrorCode;
  class: ErrorClass;
  /** technical detail for operators */
  reason: string;
}

/**
 * Writes down that a withdrawal waits for a person. Called twice while it waits: the first reason stands, but a retry said
 * before is no longer known to have been heard.
 * @returns the letter it waits by
 */
export async function openDeadLetter(tx: Transaction, letter: NewDeadLetter): Promise<DeadLetterRow> {
  await tx
    .insert(deadLetters)
    .values({ ...letter, reason: letter.reason.slice(0, 1024), openKey: letter.requestId, parkedAt: new Date() })
    .onDuplicateKeyUpdate({ set: { retrySaidAt: null, retrySaidBy: null } });
  const row = await findOpenDeadLetter(tx, letter.requestId);
  if (!row) throw new Error('a dead letter was opened but not recorded');
  return row;
}

/** The letter a withdrawal waits by, if it does. */
export async function findOpenDeadLetter(queryable: Queryable, requestId: string): Promise<DeadLetterRow | undefined> {
  const [row] = await queryable.select().from(deadLetters).where(eq(deadLetters.openKey, requestId));
  return row;
}

/**
 * Notes that a person was reminded, for the `escalation`th time. Called twice for one reminder: noted once.
 * @returns the letter, or undefined when it waits no longer or the reminder was noted before
 */
export async function noteEscalation(tx: Transaction, requestId: string, escalation: number): Promise<DeadLetterRow | undefined> {
  const [letter] = await tx.select().from(deadLetters).where(eq(deadLetters.openKey, requestId)).for('update');
  if (!letter || letter.escalations >= escalation) return undefined;
  const now = new Date();
  await tx.update(deadLetters).set({ escalations: escalation, escalatedAt: now }).where(eq(deadLetters.id, letter.id));
  return { ...letter, escalations: escalation, escalatedAt: now };
}

/** Notes that it waits no longer. Called twice, or for one that never waited: nothing happens. */
export async function resolveDeadLetter(tx: Transaction, requestId: string, resolution: 'RETRIED' | EndStatus): Promise<void> {
  await tx.update(deadLetters).set({ openKey: sql`NULL`, resolvedAt: new Date(), resolution }).where(eq(deadLetters.openKey, requestId));
}

/**
 * Notes that its workflow was told of a person's retry. Called twice: the newer one stands.
 * @returns false when the letter waits no longer: it was taken up, or the withdrawal has ended
 */
export async function noteRetry(db: Database, letter: Pick<DeadLetterRow, 'id' | 'requestId'>, accountId: number): Promise<boolean> {
  return transact(db, async (tx) => {
    const [result] = await tx
      .update(deadLetters)
      .set({ retrySaidAt: new Date(), retrySaidBy: accountId })
      .where(and(eq(deadLetters.id, letter.id), isNull(deadLetters.resolvedAt)));
    if (result.affectedRows === 0) return false;
    await appendEvent(tx, { requestId: letter.requestId, type: 'retry requested' });
    return true;
  });
}
