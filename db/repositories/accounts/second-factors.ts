import { and, count, eq, isNull } from 'drizzle-orm';
import { shownUntil } from '../../../domain/second-factor.ts';
import type { Database, Queryable, Transaction } from '../../client.ts';
import { secondFactorRecoveryCodes, secondFactors, sessions, users } from '../../schema/index.ts';
import type { SecondFactorSeal } from '../../second-factor-seal.ts';
import { transact } from '../../transact.ts';
import { judgeCode, lockSecondFactor, type Judgement, type SecondFactorRefusal, type SecondFactorRow } from './judge-second-factor.ts';
import { revokeSessionsOf } from './sessions.ts';

/**
 * Each of these is one transaction that holds the account's row, so a process that dies leaves what was before or what comes after.
 * What an enrolment shows, secret and recovery codes, is shown in one answer before anything counts: a factor becomes active only by a code
 * of that secret, so only for somebody who has that answer. No death leaves an active factor whose recovery codes nobody saw.
 */

export interface SecondFactorState {
  /** `PENDING`: enrolled, its first code not shown yet */
  state: 'NONE' | 'PENDING' | 'ACTIVE';
  confirmedAt: Date | null;
  recoveryCodesLeft: number;
  /** until when the session may act on it; null where it was not shown, or too long ago */
  shownUntil: Date | null;
}

/** An account's factor as one of its sessions sees it. */
export async function readSecondFactor(db: Queryable, of: { userId: number; sessionId: string; now: Date }): Promise<SecondFactorState> {
  const [row] = await db.select().from(secondFactors).where(eq(secondFactors.userId, of.userId));
  if (row === undefined || row.sealed === null) return { state: 'NONE', confirmedAt: null, recoveryCodesLeft: 0, shownUntil: null };
  const [{ left } = { left: 0 }] = await db
    .select({ left: count() })
    .from(secondFactorRecoveryCodes)
    .where(and(eq(secondFactorRecoveryCodes.userId, of.userId), isNull(secondFactorRecoveryCodes.usedAt)));
  const shown = row.confirmedAt === null ? 'missing' : await readShown(db, of);
  return { state: row.confirmedAt === null ? 'PENDING' : 'ACTIVE', confirmedAt: row.confirmedAt, recoveryCodesLeft: left, shownUntil: shown instanceof Date ? shown : null };
}

/** Until when a session may act on its account's second factor; `expired` where it was not shown, or too long ago, `missing` where there is no active one. */
export async function readShown(db: Queryable, { userId, sessionId, now }: { userId: number; sessionId: string; now: Date }): Promise<Date | 'expired' | 'missing'> {
  const [row] = await db
    .select({ confirmedAt: secondFactors.confirmedAt, shownAt: sessions.secondFactorAt })
    .from(secondFactors)
    .leftJoin(sessions, and(eq(sessions.userId, secondFactors.userId), eq(sessions.id, sessionId)))
    .where(eq(secondFactors.userId, userId));
  if (row === undefined || row.confirmedAt === null) return 'missing';
  const until = row.shownAt === null ? null : shownUntil(row.shownAt);
  return until === null || until <= now ? 'expired' : until;
}

/**
 * Gives an account a factor that counts for nothing yet. Called again before it is confirmed, the new one takes its place and the one before
 * opens nowhere; refused while one is active.
 * @param enrolment.recoveryCodes in the spelling `readCode` gives
 */
export async function enrolSecondFactor(
  db: Database,
  seal: SecondFactorSeal,
  enrolment: { userId: number; secret: string; recoveryCodes: readonly string[] },
): Promise<{ kind: 'enrolled' } | { kind: 'refused'; reason: SecondFactorRefusal }> {
  const { userId, secret, recoveryCodes } = enrolment;
  return transact(db, async (tx) => {
    const row = await lockOrBegin(tx, userId);
    if (row.confirmedAt !== null) return { kind: 'refused', reason: 'second-factor-active' };
    const factor = { userId, version: row.version + 1 };
    await tx.update(secondFactors).set({ version: factor.version, sealed: seal.sealSecret(factor, secret), lastStep: null }).where(eq(secondFactors.userId, userId));
    await tx.delete(secondFactorRecoveryCodes).where(eq(secondFactorRecoveryCodes.userId, userId));
    await tx.insert(secondFactorRecoveryCodes).values(recoveryCodes.map((code) => ({ userId, codeHash: seal.hashRecoveryCode(factor, code) })));
    return { kind: 'enrolled' };
  });
}

export interface ShownIn {
  userId: number;
  sessionId: string;
  code: string;
  now: Date;
}

/** Makes an enrolled factor active by its first one-time password, which counts as shown in this session. Called twice, the second is refused. */
export async function confirmSecondFactor(db: Database, seal: SecondFactorSeal, { userId, sessionId, code, now }: ShownIn): Promise<Judgement> {
  return transact(db, async (tx) => {
    const row = await lockSecondFactor(tx, userId);
    if (row === undefined) return { kind: 'refused', reason: 'second-factor-missing' };
    if (row.confirmedAt !== null) return { kind: 'refused', reason: 'second-factor-active' };
    const judgement = await judgeCode(tx, seal, row, { code, oneTimeOnly: true, now });
    if (judgement.kind !== 'accepted') return judgement;
    await tx.update(secondFactors).set({ confirmedAt: now }).where(eq(secondFactors.userId, userId));
    await noteShown(tx, userId, sessionId, now);
    return judgement;
  });
}

/** Shows the factor in a session, by a one-time password or a recovery code. Each is accepted once, in whichever session comes first. */
export async function verifySecondFactor(db: Database, seal: SecondFactorSeal, { userId, sessionId, code, now }: ShownIn): Promise<Judgement> {
  return transact(db, async (tx) => {
    const row = await lockSecondFactor(tx, userId);
    if (row === undefined || row.confirmedAt === null) return { kind: 'refused', reason: 'second-factor-missing' };
    const judgement = await judgeCode(tx, seal, row, { code, now });
    if (judgement.kind === 'accepted') await noteShown(tx, userId, sessionId, now);
    return judgement;
  });
}

/** Takes an account's factor away by a code of it; no session has shown it after that. Called twice, the second is refused. */
export async function removeSecondFactor(db: Database, seal: SecondFactorSeal, { userId, code, now }: Omit<ShownIn, 'sessionId'>): Promise<Judgement> {
  return transact(db, async (tx) => {
    const row = await lockSecondFactor(tx, userId);
    if (row === undefined || row.confirmedAt === null) return { kind: 'refused', reason: 'second-factor-missing' };
    const judgement = await judgeCode(tx, seal, row, { code, now });
    if (judgement.kind === 'accepted') await clear(tx, userId);
    return judgement;
  });
}

/**
 * Takes away the factor of a person who lost it, forgets their wrong tries and ends every session they have: whoever signs in next enrols
 * anew, with the password alone. Asks for no code, so who calls has made sure of the person. Called twice, it ends what was opened since.
 * @returns false for an account that does not exist
 */
export async function resetSecondFactor(db: Database, { userId, now }: { userId: number; now: Date }): Promise<boolean> {
  return transact(db, async (tx) => {
    const [user] = await tx.select({ id: users.id }).from(users).where(eq(users.id, userId)).for('update');
    if (user === undefined) return false;
    await lockOrBegin(tx, userId);
    await clear(tx, userId);
    await tx.update(secondFactors).set({ wrongTries: 0, waitUntil: null }).where(eq(secondFactors.userId, userId));
    await revokeSessionsOf(tx, userId, now);
    return true;
  });
}

async function lockOrBegin(tx: Transaction, userId: number): Promise<SecondFactorRow> {
  await tx.insert(secondFactors).values({ userId, version: 0, wrongTries: 0 }).onDuplicateKeyUpdate({ set: { userId } });
  const row = await lockSecondFactor(tx, userId);
  if (row === undefined) throw new Error('a row that was just made is gone');
  return row;
}

async function noteShown(tx: Transaction, userId: number, sessionId: string, now: Date): Promise<void> {
  await tx.update(sessions).set({ secondFactorAt: now }).where(and(eq(sessions.id, sessionId), eq(sessions.userId, userId)));
}

async function clear(tx: Transaction, userId: number): Promise<void> {
  await tx.update(secondFactors).set({ sealed: null, confirmedAt: null, lastStep: null }).where(eq(secondFactors.userId, userId));
  await tx.delete(secondFactorRecoveryCodes).where(eq(secondFactorRecoveryCodes.userId, userId));
  await tx.update(sessions).set({ secondFactorAt: null }).where(eq(sessions.userId, userId));
}
