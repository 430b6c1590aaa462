import { randomBytes } from 'node:crypto';
import { verify } from 'argon2';
import { eq } from 'drizzle-orm';
import { hashPassword } from '../../api/auth/passwords.ts';
import type { Database } from '../../db/client.ts';
import { createUser, findUserByEmail } from '../../db/repositories/accounts/users.ts';
import { users } from '../../db/schema/index.ts';
import type { Role } from '../../domain/status.ts';
import type { Account, Accounts } from './credentials.ts';

const ACCOUNTS: readonly { key: keyof Accounts; email: string; role: Role }[] = [
  { key: 'admin', email: 'admin@example.com', role: 'ADMIN' },
  { key: 'approver', email: 'approver@example.com', role: 'ADMIN' },
  { key: 'user', email: 'user@example.com', role: 'USER' },
];

/**
 * Makes sure the sandbox's three accounts exist and returns them with passwords that work: the ones noted before, or,
 * where those are lost or no longer fit, new random ones.
 */
export async function ensureAccounts(db: Database, noted: Accounts | undefined): Promise<Accounts> {
  const entries: [keyof Accounts, Account][] = [];
  for (const { key, email, role } of ACCOUNTS) {
    const existing = await findUserByEmail(db, email);
    const notedPassword = noted?.[key].email === email ? noted[key].password : undefined;
    if (existing !== undefined && notedPassword !== undefined && (await verify(existing.passwordHash, notedPassword))) {
      entries.push([key, { email, password: notedPassword }]);
      continue;
    }
    const password = notedPassword ?? randomBytes(18).toString('base64url');
    const passwordHash = await hashPassword(password);
    if (existing === undefined) await createUser(db, { email, passwordHash, role, now: new Date() });
    else await db.update(users).set({ passwordHash, role, isActive: true }).where(eq(users.id, existing.id));
    entries.push([key, { email, password }]);
  }
  return Object.fromEntries(entries) as unknown as Accounts;
}
