import { and, eq, gt, inArray, like, max, or } from 'drizzle-orm';
import { normaliseEmail } from '../../../domain/email.ts';
import type { Role } from '../../../domain/status.ts';
import type { Queryable } from '../../client.ts';
import { sessions, users } from '../../schema/index.ts';
import type { User } from './users.ts';

export interface UserPage {
  /** how the address begins, or the one a shadow account was registered under */
  email?: string | undefined;
  role?: Role | undefined;
  isActive?: boolean | undefined;
  /** the id the page before ended at */
  after?: number | undefined;
  limit: number;
}

/** A page of accounts, oldest first; `next` is null on the last page. */
export async function pageUsers(db: Queryable, page: UserPage): Promise<{ rows: User[]; next: number | null }> {
  const prefix = page.email === undefined ? undefined : `${normaliseEmail(page.email).replace(/[\\%_]/g, String.raw`\$&`)}%`;
  const found = await db
    .select()
    .from(users)
    .where(
      and(
        prefix === undefined ? undefined : or(like(users.email, prefix), like(users.askedEmail, prefix)),
        page.role === undefined ? undefined : eq(users.role, page.role),
        page.isActive === undefined ? undefined : eq(users.isActive, page.isActive),
        page.after === undefined ? undefined : gt(users.id, page.after),
      ),
    )
    .orderBy(users.id)
    .limit(page.limit + 1);
  const last = found.length > page.limit ? found[page.limit - 1] : undefined;
  return { rows: found.slice(0, page.limit), next: last?.id ?? null };
}

/** When a session of each account was opened or refreshed last. An account that never signed in is not in it. */
export async function lastUseOf(db: Queryable, ids: readonly number[]): Promise<Map<number, Date>> {
  if (ids.length === 0) return new Map();
  const rows = await db.select({ userId: sessions.userId, opened: max(sessions.createdAt), refreshed: max(sessions.refreshedAt) }).from(sessions).where(inArray(sessions.userId, [...ids])).groupBy(sessions.userId);
  return new Map(rows.map(({ userId, opened, refreshed }) => [userId, new Date(Math.max(opened?.getTime() ?? 0, refreshed?.getTime() ?? 0))]));
}
