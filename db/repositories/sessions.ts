import { and, eq, isNull } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { refreshTokens, sessions, users } from '../schema/index.ts';
import type { User } from './users.ts';

export interface NewSession {
  /** 32 hex digits */
  id: string;
  userId: number;
  expiresAt: Date;
  now: Date;
}

/** Begins a session. Called twice with one id, the primary key refuses the second. */
export async function insertSession(db: Queryable, { now, ...session }: NewSession): Promise<void> {
  await db.insert(sessions).values({ ...session, createdAt: now });
}

/** Whose session it is, as the account stands now; undefined when it has ended or the account may not act. One row by primary key. */
export async function findSessionUser(db: Queryable, sessionId: string, userId: number, now: Date): Promise<User | undefined> {
  const [row] = await db.select().from(sessions).innerJoin(users, eq(users.id, sessions.userId)).where(and(eq(sessions.id, sessionId), eq(sessions.userId, userId))).limit(1);
  if (!row || row.sessions.revokedAt !== null || row.sessions.expiresAt <= now || !row.users.isActive) return undefined;
  return row.users;
}

/** Ends every session of an account, whose tokens then act no more. Called twice, it ends what was opened since. */
export async function revokeSessionsOf(db: Queryable, userId: number, now: Date): Promise<void> {
  await db.update(sessions).set({ revokedAt: now }).where(and(eq(sessions.userId, userId), isNull(sessions.revokedAt)));
  await db.update(refreshTokens).set({ revokedAt: now }).where(and(eq(refreshTokens.userId, userId), isNull(refreshTokens.revokedAt)));
}
