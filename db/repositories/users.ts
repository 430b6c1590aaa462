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

/** The accounts behind e-mail addresses, however spelled. An address without an account is nobody's. */
export async function findUserIds(db: Queryable, emails: readonly string[]): Promise<number[]> {
  if (emails.length === 0) return [];
  return (await db.select({ id: users.id }).from(users).where(inArray(users.email, emails.map(normaliseEmail)))).map(({ id }) => id);
}
