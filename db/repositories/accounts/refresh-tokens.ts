import { eq } from 'drizzle-orm';
import type { Database, Queryable } from '../../client.ts';
import { refreshTokens, sessions, users } from '../../schema/index.ts';
import { transact } from '../../transact.ts';
import { revokeSessions, SESSION_IDLE_MS } from './sessions.ts';

export interface NewRefreshToken {
  /** SHA-256 of the token, hex */
  tokenHash: string;
  userId: number;
  /** 32 hex digits, one a sign-in */
  familyId: string;
  expiresAt: Date;
  now: Date;
}

/** Stores the first token of a sign-in. */
export async function insertRefreshToken(db: Queryable, token: NewRefreshToken): Promise<void> {
  const { now, ...row } = token;
  await db.insert(refreshTokens).values({ ...row, createdAt: now });
}

/** Whose token it is, and of which session, whether it still holds or not; undefined for one that never was. */
export async function findTokenOwner(db: Queryable, tokenHash: string): Promise<{ id: number; email: string; sessionId: string } | undefined> {
  const [row] = await db
    .select({ id: users.id, email: users.email, sessionId: refreshTokens.familyId })
    .from(refreshTokens)
    .innerJoin(users, eq(users.id, refreshTokens.userId))
    .where(eq(refreshTokens.tokenHash, tokenHash))
    .limit(1);
  return row;
}

export type Rotation =
  | { kind: 'rotated'; userId: number; sessionId: string }
  /** the token was used before: someone holds a copy, and its whole family is revoked now */
  | { kind: 'reused'; userId: number }
  /** unknown, expired or revoked */
  | { kind: 'refused' };

/**
 * Exchanges a token for its successor, which keeps the family. Of two calls with one token exactly one rotates; the other
 * revokes the family, as nobody can tell which of the two was the thief. The row of the session is the lock of its family:
 * whoever refreshes or ends it holds that first.
 */
export async function rotateRefreshToken(db: Database, exchange: { tokenHash: string; successorHash: string; now: Date }): Promise<Rotation> {
  const { tokenHash, successorHash, now } = exchange;
  return transact(db, async (tx): Promise<Rotation> => {
    const [found] = await tx.select({ familyId: refreshTokens.familyId }).from(refreshTokens).where(eq(refreshTokens.tokenHash, tokenHash)).limit(1);
    if (!found) return { kind: 'refused' };
    const [session] = await tx.select().from(sessions).where(eq(sessions.id, found.familyId)).limit(1).for('update');
    const [token] = await tx.select().from(refreshTokens).where(eq(refreshTokens.tokenHash, tokenHash)).limit(1).for('update');
    if (!session || session.revokedAt !== null || session.expiresAt <= now) return { kind: 'refused' };
    if (!token || token.revokedAt !== null || token.expiresAt <= now) return { kind: 'refused' };
    if (token.usedAt !== null) {
      await revokeSessions(tx, [session.id], now);
      return { kind: 'reused', userId: token.userId };
    }
    await tx.update(refreshTokens).set({ usedAt: now }).where(eq(refreshTokens.tokenHash, tokenHash));
    await tx.update(sessions).set({ refreshedAt: now }).where(eq(sessions.id, session.id));
    await insertRefreshToken(tx, { tokenHash: successorHash, userId: token.userId, familyId: session.id, expiresAt: refreshTokenEnd(session.expiresAt, now), now });
    return { kind: 'rotated', userId: token.userId, sessionId: session.id };
  });
}

/** When a refresh token ends: with its session, or when that is idle too long. */
export function refreshTokenEnd(sessionEnd: Date, now: Date): Date {
  return new Date(Math.min(sessionEnd.getTime(), now.getTime() + SESSION_IDLE_MS));
}

/** Ends the sign-in a token belongs to. An unknown token, or a second call, changes nothing. */
export async function revokeByToken(db: Database, tokenHash: string, now: Date): Promise<void> {
  const [token] = await db.select().from(refreshTokens).where(eq(refreshTokens.tokenHash, tokenHash)).limit(1);
  if (token) await transact(db, (tx) => revokeSessions(tx, [token.familyId], now));
}
