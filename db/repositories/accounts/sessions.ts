import { and, desc, eq, gt, inArray, isNull, lt, ne, or } from 'drizzle-orm';
import type { Queryable } from '../../client.ts';
import { refreshTokens, sessions, users } from '../../schema/index.ts';
import type { User } from './users.ts';

export interface NewSession {
  /** 32 hex digits */
  id: string;
  userId: number;
  expiresAt: Date;
  now: Date;
  ipAddress: string | null;
  userAgent: string | null;
}

export type SessionRow = typeof sessions.$inferSelect;

/** A session that was not refreshed for so long has ended; its refresh token ends then. */
export const SESSION_IDLE_MS = 7 * 24 * 3_600_000;

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

/** A page of an account's sessions that have not ended, newest first; `next` is null on the last page. */
export async function pageSessions(db: Queryable, page: { userId: number; after: Pick<SessionRow, 'createdAt' | 'id'> | undefined; limit: number; now: Date }): Promise<{ rows: SessionRow[]; next: SessionRow | null }> {
  const { after, now } = page;
  const idleSince = new Date(now.getTime() - SESSION_IDLE_MS);
  const found = await db
    .select()
    .from(sessions)
    .where(
      and(
        eq(sessions.userId, page.userId),
        isNull(sessions.revokedAt),
        gt(sessions.expiresAt, now),
        or(gt(sessions.createdAt, idleSince), gt(sessions.refreshedAt, idleSince)),
        after && or(lt(sessions.createdAt, after.createdAt), and(eq(sessions.createdAt, after.createdAt), lt(sessions.id, after.id))),
      ),
    )
    .orderBy(desc(sessions.createdAt), desc(sessions.id))
    .limit(page.limit + 1);
  return { rows: found.slice(0, page.limit), next: found.length > page.limit ? (found[page.limit - 1] ?? null) : null };
}

/** Ends one session of an account with its refresh tokens; false when the account has none of that id. A second call changes nothing. */
export async function revokeSession(db: Queryable, userId: number, sessionId: string, now: Date): Promise<boolean> {
  const [own] = await db.select({ id: sessions.id }).from(sessions).where(and(eq(sessions.id, sessionId), eq(sessions.userId, userId))).limit(1);
  if (own) await revokeSessions(db, [own.id], now);
  return own !== undefined;
}

/** Ends every session of an account with its refresh tokens, but for one. Run in the transaction that holds the account's row, no session opened by the old password is left. */
export async function revokeSessionsOf(db: Queryable, userId: number, now: Date, except?: string): Promise<number> {
  const live = await db.select({ id: sessions.id }).from(sessions).where(and(eq(sessions.userId, userId), isNull(sessions.revokedAt), except === undefined ? undefined : ne(sessions.id, except)));
  const ids = live.map(({ id }) => id).toSorted();
  if (ids.length > 0) await revokeSessions(db, ids, now);
  return ids.length;
}

/** The sessions first, then their tokens: the order in which a refresh locks them. */
export async function revokeSessions(db: Queryable, ids: readonly string[], now: Date): Promise<void> {
  await db.update(sessions).set({ revokedAt: now }).where(and(inArray(sessions.id, [...ids]), isNull(sessions.revokedAt)));
  await db.update(refreshTokens).set({ revokedAt: now }).where(and(inArray(refreshTokens.familyId, [...ids]), isNull(refreshTokens.revokedAt)));
}
