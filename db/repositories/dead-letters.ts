import { eq, sql } from 'drizzle-orm';
import type { ErrorClass, ErrorCode } from '../../domain/errors.ts';
import type { EndStatus } from '../../domain/status.ts';
import type { Queryable, Transaction } from '../client.ts';
import { deadLetters } from '../schema/index.ts';

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

/** Writes down that a withdrawal waits for a person. Called twice while it waits: the first reason stands. */
export async function openDeadLetter(tx: Transaction, letter: NewDeadLetter): Promise<void> {
  await tx
    .insert(deadLetters)
    .values({ ...letter, reason: letter.reason.slice(0, 1024), openKey: letter.requestId, parkedAt: new Date() })
    .onDuplicateKeyUpdate({ set: { openKey: letter.requestId } });
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
