import { hashPassword, newRecipe, recipeOf } from '../../api/auth/passwords.ts';
import type { Database } from '../../db/client.ts';
import { changePassword } from '../../db/repositories/accounts/change-password.ts';
import { lastUseOf, pageUsers } from '../../db/repositories/accounts/list-users.ts';
import { resetSecondFactor } from '../../db/repositories/accounts/second-factors.ts';
import { createUser, findUserByEmail, listActiveAdmins } from '../../db/repositories/accounts/users.ts';
import { isDuplicateKey } from '../../db/transact.ts';
import { passwordFault, type PasswordFault } from '../../domain/password-rules.ts';
import { auditedByCommand } from '../audit/audited-by-command.ts';
import { EXIT, UsageError } from '../command-line/exit-codes.ts';
import { table } from '../command-line/table.ts';

/** What every command works with. */
export interface AccountsContext {
  readonly db: Database;
  readonly print: (line: string) => void;
  /** asked only once it is certain that a password is needed */
  readonly readPassword: () => Promise<string>;
}

const PAGE = 100;
const COLUMNS = ['id', 'email', 'role', 'state', 'created', 'last used'];
const FAULTS: Record<PasswordFault, string> = {
  'too-short': 'the password needs at least 12 characters',
  'too-long': 'the password may have 128 characters at most',
  'too-common': 'this password is one of the first that attackers try',
  'is-the-address': 'the password must not be the e-mail address',
};

/** Prints every account that is not a plain USER, or all of them. */
export async function listCommand({ db, print }: AccountsContext, options: { all: boolean }): Promise<number> {
  const rows: string[][] = [];
  for (let after: number | undefined | null; after !== null; ) {
    const page: Awaited<ReturnType<typeof pageUsers>> = await pageUsers(db, { after, limit: PAGE });
    const shown = page.rows.filter(({ role }) => options.all || role !== 'USER');
    const lastUse = await lastUseOf(db, shown.map(({ id }) => id));
    for (const { id, email, askedEmail, role, isActive, mustChangePassword, createdAt } of shown) {
      const state = [isActive ? 'active' : 'deactivated', ...(mustChangePassword ? ['must change password'] : [])].join(', ');
      rows.push([String(id), askedEmail === null ? email : `${email} (asked for ${askedEmail})`, role, state, createdAt.toISOString(), lastUse.get(id)?.toISOString() ?? '-']);
    }
    after = page.next;
  }
  for (const line of rows.length === 0 ? ['no accounts'] : table(COLUMNS, rows)) print(line);
  return EXIT.ok;
}

/**
 * Opens an ADMIN account. Where an active one exists it is refused unless a reason says why: afterwards ADMINs open accounts by
 * POST /admin/users. Called twice, the second is refused.
 */
export async function createAdminCommand({ db, print, readPassword }: AccountsContext, email: string, forcedBecause: string | null): Promise<number> {
  const admins = await listActiveAdmins(db);
  if (admins.length > 0 && forcedBecause === null) {
    print(`there is an active ADMIN already (${admins[0]?.email}): let one open the account, or say --force --reason TEXT`);
    return EXIT.failed;
  }
  const passwordHash = await hashPassword(await newPassword(readPassword, email));
  return auditedByCommand(db, { command: 'accounts create-admin', action: 'account.create' }, async (trail) => {
    try {
      const id = await createUser(db, { email, passwordHash, role: 'ADMIN', now: new Date() });
      trail.target('account', id);
      trail.after({ email, role: 'ADMIN', forcedBecause });
      print(`${email} is ADMIN, account ${id}${forcedBecause === null ? '' : `, beside ${admins.length} other(s): ${forcedBecause}`}`);
      return EXIT.ok;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      print(`there is an account ${email} already: nothing was changed`);
      return EXIT.failed;
    }
  });
}

/** Sets a password for somebody who lost theirs. Every session of the account ends, and it can do nothing until its owner has set another. */
export async function resetPasswordCommand({ db, print, readPassword }: AccountsContext, email: string): Promise<number> {
  const user = await findUserByEmail(db, email);
  if (!user) {
    print(`there is no account ${email}`);
    return EXIT.failed;
  }
  const password = await newPassword(readPassword, email);
  const passwordHash = await hashPassword(password, recipeOf(user.passwordHash) ?? newRecipe());
  return auditedByCommand(db, { command: 'accounts reset-password', action: 'account.change-password', target: { kind: 'account', id: String(user.id) } }, async (trail) => {
    if (!(await changePassword(db, { userId: user.id, before: user.passwordHash, passwordHash, mustChangePassword: true, now: new Date() }))) {
      print(`the password of ${email} was changed at the same time: nothing was done`);
      return EXIT.failed;
    }
    trail.after({ email, mustChange: true, sessionsEnded: true });
    print(`the password of ${email} is set and must be changed at the next sign-in; its sessions have ended${user.isActive ? '' : '. The account is deactivated'}`);
    return EXIT.ok;
  });
}

/** For the last ADMIN who lost theirs: nobody else could. Called twice, it ends the sessions opened since. */
export async function resetSecondFactorCommand({ db, print }: AccountsContext, email: string, reason: string): Promise<number> {
  const user = await findUserByEmail(db, email);
  if (!user) {
    print(`there is no account ${email}`);
    return EXIT.failed;
  }
  return auditedByCommand(db, { command: 'accounts reset-second-factor', action: 'second-factor.reset', target: { kind: 'account', id: String(user.id) } }, async (trail) => {
    await resetSecondFactor(db, { userId: user.id, now: new Date() });
    trail.after({ email, reason, sessionsEnded: true });
    print(`${email} has no second factor now; its sessions have ended`);
    return EXIT.ok;
  });
}

async function newPassword(readPassword: () => Promise<string>, email: string): Promise<string> {
  const password = await readPassword();
  const fault = passwordFault(password, email);
  if (fault !== null) throw new UsageError(FAULTS[fault]);
  return password;
}
