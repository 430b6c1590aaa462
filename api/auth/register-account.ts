import { randomBytes } from 'node:crypto';
import type { Transaction } from '../../db/client.ts';
import { lockSubject } from '../../db/repositories/accounts/password-guesses.ts';
import { createUser, findShadow, findUserByEmail, lockUser, type User } from '../../db/repositories/accounts/users.ts';
import { transact } from '../../db/transact.ts';
import { EngineError } from '../../domain/errors.ts';
import type { Tokens } from '../schemas/auth.ts';
import { ACCESS_TOKEN_SECONDS, type AccessTokens } from './access-tokens.ts';
import { checkCredentials, type CredentialsDependencies } from './credentials.ts';
import { insertOpenedSession, type Caller } from './open-session.ts';
import { isSameHash, recipeOf } from './passwords.ts';

/**
 * Opens a USER account and signs it in, without telling whether the address is taken: where it is, and the password is not that
 * account's, a shadow account is opened under the same address, which is one like any other to whoever has its password. With
 * the password of an account that stands under the address, that one is signed in.
 *
 * Every call counts as a guess, and stays counted: with a right password it signs in, so that it tells as much as a sign-in does.
 * Called twice it opens one account and two sessions; two calls at once with one address come one after the other. A process that
 * dies in the middle leaves an account with its session, or neither.
 * @param asked.email in its one spelling
 * @param onBegin called once it may be tried, before anything is opened; where it throws, nothing is
 */
export async function registerAccount(deps: CredentialsDependencies & { accessTokens: AccessTokens }, asked: { email: string; password: string }, caller: Caller, onBegin: () => Promise<void>): Promise<{ tokens: Tokens; accountId: number }> {
  const { database, addresses } = deps;
  const { email } = asked;
  const { passwordHash } = await checkCredentials(deps, email, asked.password, caller.ip, { right: 'counts' });
  await onBegin();
  const opened = await transact(database, async (tx) => {
    const now = new Date();
    // Of one address at a time: a second insert that the unique key refused would show in the numbers of the accounts.
    await lockSubject(tx, addresses.guessSubjects(email, caller.ip).address, now);
    const primary = await findUserByEmail(tx, email);
    const standing = openedBy(primary, passwordHash) ?? (await findShadow(tx, email, passwordHash));
    const account = standing ? await held(tx, standing) : { id: await createUser(tx, { ...accountFor(email, primary, passwordHash), passwordHash, role: 'USER', now }), role: 'USER' as const };
    return { id: account.id, role: account.role, ...(await insertOpenedSession(tx, account.id, caller)) };
  });
  const { refreshToken, ...account } = opened;
  return { tokens: { accessToken: await deps.accessTokens.issue(account), refreshToken, expiresIn: ACCESS_TOKEN_SECONDS }, accountId: opened.id };
}

function openedBy(primary: User | undefined, passwordHash: string): User | undefined {
  return primary?.isActive && isSameHash(primary.passwordHash, passwordHash) ? primary : undefined;
}

/** The account as it was found, held: what deactivates it, or changes its password, comes before or after. */
async function held(tx: Transaction, found: User): Promise<User> {
  const user = await lockUser(tx, found.id);
  if (!user?.isActive || user.passwordHash !== found.passwordHash) throw new EngineError('SERVICE_UNAVAILABLE', { retryAfterSeconds: '1' });
  return user;
}

function accountFor(email: string, primary: User | undefined, passwordHash: string): { email: string; askedEmail?: string } {
  if (!primary) return { email };
  // An operator opened the account while this password was being hashed: by another salt nobody would find it again.
  const salts = [primary.passwordHash, passwordHash].map((hash) => recipeOf(hash)?.salt.toString('hex'));
  if (salts[0] !== undefined && salts[0] !== salts[1]) throw new EngineError('SERVICE_UNAVAILABLE', { retryAfterSeconds: '1' });
  return { email: `shadow:${randomBytes(16).toString('hex')}`, askedEmail: email };
}
