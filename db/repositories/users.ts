import { eq, inArray } from 'drizzle-orm';
import type { Role } from '../../domain/status.ts';
import type { Queryable } from '../client.ts';
import { users } from '../schema/index.ts';

export type User = typeof users.$inferSelect;

/** One spelling of an e-mail address, so that a person signs in however they capitalise it. */
export function normaliseEmail(email: string): string {
  return email.trim().toLowerCase();
}

/**
 * Adds an account and returns its id. `passwordHash` is argon2id in PHC string format. Called twice with one address,
 * the unique key refuses the second (see `isDuplicateKey`).
 */
export async function createUser(db: Queryable, user: { email: string; passwordHash: string; role: Role; now: Date }): Promise<number> {
  const [result] = await db.insert(users).values({ email: normaliseEmail(user.email), passwordHash: user.passwordHash, role: user.role, createdAt: user.now });
  return result.insertId;
}

export async function findUserByEmail(db: Queryable, email: string): Promise<User | undefined> {
  const [user] = await db.select().from(users).where(eq(users.email, normaliseEmail(email))).limit(1);
  return user;
}

export async function findUserById(db: Queryable, id: number): Promise<User | undefined> {
  const [user] = await db.select().from(users).where(eq(users.id, id)).limit(1);
  return user;
}

/** The e-mail addresses of accounts, by account. */
export async function listEmails(db: Queryable, ids: readonly (number | null)[]): Promise<Map<number, string>> {
  const wanted = [...new Set(ids)].filter((id) => id !== null);
  if (wanted.length === 0) return new Map();
  const rows = await db.select({ id: users.id, email: users.email }).from(users).where(inArray(users.id, wanted));
  return new Map(rows.map(({ id, email }) => [id, email]));
}

/** Those accounts of a list of e-mail addresses, in the one spelling, that exist. */
export async function listUsersByEmail(db: Queryable, emails: readonly string[]): Promise<User[]> {
  return emails.length === 0 ? [] : db.select().from(users).where(inArray(users.email, emails.map(normaliseEmail)));
}
