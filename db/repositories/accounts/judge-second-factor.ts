import { and, eq, isNull } from 'drizzle-orm';
import { acceptedStep, readCode, waitAfterMs } from '../../../domain/second-factor.ts';
import type { Transaction } from '../../client.ts';
import { secondFactorRecoveryCodes, secondFactors } from '../../schema/index.ts';
import type { FactorIdentity, SecondFactorSeal } from '../../second-factor-seal.ts';

export type SecondFactorRow = typeof secondFactors.$inferSelect;

/** Why nothing can be judged: `unreadable` is a factor sealed under another seal key, or a changed row. */
export type SecondFactorRefusal = 'second-factor-missing' | 'second-factor-active' | 'second-factor-unreadable';

export type Judgement =
  | { kind: 'accepted' }
  | { kind: 'wrong'; wrongTries: number }
  /** too many wrong ones before: this one was not looked at */
  | { kind: 'wait'; until: Date }
  | { kind: 'refused'; reason: SecondFactorRefusal };

/** The factor's row, held until the transaction ends: of two tries at once the second sees what the first left. */
export async function lockSecondFactor(tx: Transaction, userId: number): Promise<SecondFactorRow | undefined> {
  const [row] = await tx.select().from(secondFactors).where(eq(secondFactors.userId, userId)).for('update');
  return row;
}

export interface Try {
  code: string;
  /** where only the authenticator itself proves something */
  oneTimeOnly?: true;
  now: Date;
}

/**
 * Judges a code against a locked row and writes down what follows: an accepted step or a spent recovery code, or one wrong try more.
 * The caller commits whatever the judgement is, and answers after that: a guess whose count is lost was never answered.
 */
export async function judgeCode(tx: Transaction, seal: SecondFactorSeal, row: SecondFactorRow, { code: typed, oneTimeOnly, now }: Try): Promise<Judgement> {
  if (row.waitUntil !== null && row.waitUntil > now) return { kind: 'wait', until: row.waitUntil };
  if (row.sealed === null) return { kind: 'refused', reason: 'second-factor-missing' };
  const secret = seal.openSecret(row, row.sealed);
  if (secret === null) return { kind: 'refused', reason: 'second-factor-unreadable' };
  const shown = readCode(typed);
  const step = shown?.kind === 'one-time' ? acceptedStep({ secret, code: shown.code, now, lastStep: row.lastStep }) : null;
  const recovered = shown?.kind === 'recovery' && oneTimeOnly !== true && (await spendRecoveryCode(tx, row, seal.hashRecoveryCode(row, shown.code), now));
  if (step === null && !recovered) {
    await countWrong(tx, row, now);
    return { kind: 'wrong', wrongTries: row.wrongTries + 1 };
  }
  await tx
    .update(secondFactors)
    .set({ lastStep: step ?? row.lastStep, wrongTries: 0, waitUntil: null })
    .where(eq(secondFactors.userId, row.userId));
  return { kind: 'accepted' };
}

/** Adds a wrong try to a locked row. @returns until when nothing is judged now */
async function countWrong(tx: Transaction, row: SecondFactorRow, now: Date): Promise<Date | null> {
  const waitMs = waitAfterMs(row.wrongTries + 1);
  const waitUntil = waitMs === 0 ? null : new Date(now.getTime() + waitMs);
  await tx.update(secondFactors).set({ wrongTries: row.wrongTries + 1, waitUntil }).where(eq(secondFactors.userId, row.userId));
  return waitUntil;
}

async function spendRecoveryCode(tx: Transaction, { userId }: FactorIdentity, codeHash: string, now: Date): Promise<boolean> {
  const [result] = await tx
    .update(secondFactorRecoveryCodes)
    .set({ usedAt: now })
    .where(and(eq(secondFactorRecoveryCodes.userId, userId), eq(secondFactorRecoveryCodes.codeHash, codeHash), isNull(secondFactorRecoveryCodes.usedAt)));
  return result.affectedRows === 1;
}
