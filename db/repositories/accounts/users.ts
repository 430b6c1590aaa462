import { and, eq, inArray } from 'drizzle-orm';
import { normaliseEmail } from '../../../domain/email.ts';
import type { Role } from '../../../domain/status.ts';
import type { Queryable, Transaction } from '../../client.ts';
import { users } from '../../schema/index.ts';

export type User = typeof users.$inferSelect;

export interface NewUser {
  email: string;
  passwordHash: string;
  role: Role;
  now: Date;
  askedEmail?: string;
  mustChangePassword?: boolean;
}

/**
 * Adds an account and returns its id. `passwordHash` is argon2id in PHC string format. Called twice with one address,
 * the unique key refuses the second (see `isDuplicateKey`).
 */
export async function createUser(db: Queryable, { now, email, ...user }: NewUser): Promise<number> {
  const [result] = await db.insert(users).values({ ...user, email: normaliseEmail(email), createdAt: now });
  return result.insertId;
}

/** What the owner of an account calls it: of a shadow account the address it was registered under, so that nothing shows that it is one. */
export function shownEmail(user: Pick<User, 'email' | 'askedEmail'>): string {
  return user.askedEmail ?? user.email;
}

/** The oldest active shadow account of an address with that password hash. */
export async function findShadow(db: Queryable, askedEmail: string, passwordHash: string): Promise<User | undefined> {
  const [user] = await db.select().from(users).where(and(eq(users.askedEmail, askedEmail), eq(users.passwordHash, passwordHash), eq(users.isActive, true))).orderBy(users.id).limit(1);
  return user;
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

/** The account as it stands now, its row held until the transaction ends. */
export async function lockUser(tx: Transaction, id: number): Promise<User | undefined> {
  const [user] = await tx.select().from(users).where(eq(users.id, id)).for('update');
  return user;
}

/** Whoever can open and change accounts, oldest first. */
export async function listActiveAdmins(db: Queryable): Promise<User[]> {
  return db.select().from(users).where(and(eq(users.role, 'ADMIN'), eq(users.isActive, true))).orderBy(users.id);
}
