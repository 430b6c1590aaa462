import { and, count, desc, eq, gt, isNull, lt, lte, or } from 'drizzle-orm';
import type { Database, Queryable } from '../../client.ts';
import { apiKeys, users } from '../../schema/index.ts';
import { transact } from '../../transact.ts';
import type { User } from './users.ts';

export type ApiKeyRow = typeof apiKeys.$inferSelect;
export type NewApiKey = Pick<ApiKeyRow, 'keyId' | 'secretHash' | 'ownerId' | 'name' | 'scopes' | 'ipAllowlist' | 'expiresAt' | 'seal'>;

/** How exactly the last use of a key is known. */
const USE_NOTED_EVERY_MS = 60_000;

/**
 * Adds a key. The owner's row is held meanwhile, so that calls at once do not pass the limit together. Null when the owner
 * has `liveMax` that are neither revoked nor expired. Called twice with one key id, the unique key refuses the second.
 */
export async function createApiKey(db: Database, key: NewApiKey, options: { liveMax: number; now: Date }): Promise<ApiKeyRow | null> {
  const { liveMax, now } = options;
  return transact(db, async (tx) => {
    await tx.select({ id: users.id }).from(users).where(eq(users.id, key.ownerId)).for('update');
    const live = and(eq(apiKeys.ownerId, key.ownerId), isNull(apiKeys.revokedAt), or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, now)));
    const [{ keys } = { keys: 0 }] = await tx.select({ keys: count() }).from(apiKeys).where(live);
    if (keys >= liveMax) return null;
    const row = { ...key, createdAt: now };
    const [{ insertId: id }] = await tx.insert(apiKeys).values(row);
    return { ...row, id, revokedAt: null, lastUsedAt: null, lastUsedFrom: null };
  });
}

/** A page of an owner's keys, ended ones too, newest first; `next` is null on the last page. */
export async function pageApiKeys(db: Queryable, page: { ownerId: number; before: number | undefined; limit: number }): Promise<{ rows: ApiKeyRow[]; next: number | null }> {
  const found = await db
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.ownerId, page.ownerId), page.before === undefined ? undefined : lt(apiKeys.id, page.before)))
    .orderBy(desc(apiKeys.id))
    .limit(page.limit + 1);
  const rows = found.slice(0, page.limit);
  return { rows, next: found.length > page.limit ? (rows.at(-1)?.id ?? null) : null };
}

/** Ends a key for good, from the next request on. Called twice, the first time stands. @returns false when the owner has no such key */
export async function revokeApiKey(db: Queryable, id: number, ownerId: number, now: Date): Promise<boolean> {
  const own = and(eq(apiKeys.id, id), eq(apiKeys.ownerId, ownerId));
  const [result] = await db.update(apiKeys).set({ revokedAt: now }).where(and(own, isNull(apiKeys.revokedAt)));
  return result.affectedRows === 1 || (await db.$count(apiKeys, own)) === 1;
}

/** A key with its owner as both stand now, in whatever state. One row by a unique key. */
export async function findApiKey(db: Queryable, keyId: string): Promise<{ key: ApiKeyRow; owner: User } | undefined> {
  const [row] = await db.select().from(apiKeys).innerJoin(users, eq(users.id, apiKeys.ownerId)).where(eq(apiKeys.keyId, keyId)).limit(1);
  return row && { key: row.api_keys, owner: row.users };
}

/** Whether the use of a key at `now` is worth writing down. */
export function isUseDue(key: Pick<ApiKeyRow, 'lastUsedAt'>, now: Date): boolean {
  return key.lastUsedAt === null || key.lastUsedAt.getTime() <= now.getTime() - USE_NOTED_EVERY_MS;
}

/** Writes down that a key was used, once a minute whoever calls it. @returns true when this call did */
export async function noteUse(db: Queryable, id: number, use: { from: string; now: Date }): Promise<boolean> {
  const before = new Date(use.now.getTime() - USE_NOTED_EVERY_MS);
  const due = or(isNull(apiKeys.lastUsedAt), lte(apiKeys.lastUsedAt, before));
  const [result] = await db.update(apiKeys).set({ lastUsedAt: use.now, lastUsedFrom: use.from }).where(and(eq(apiKeys.id, id), due));
  return result.affectedRows === 1;
}
