import type { Database } from '../../db/client.ts';
import { takeGuess, takeGuessBack, type CountedGuess } from '../../db/repositories/accounts/password-guesses.ts';
import { findShadow, findUserByEmail, type User } from '../../db/repositories/accounts/users.ts';
import { EngineError } from '../../domain/errors.ts';
import type { EmailSecrets } from './email-secrets.ts';
import type { InLine } from './lines.ts';
import { isSameHash, newRecipe, recipeOf, type PasswordVerifier } from './passwords.ts';

export interface CheckedCredentials {
  /** the account the password is of, if any; it was active when it was looked at */
  user: User | undefined;
  /** of the password, by the recipe of the address */
  passwordHash: string;
}

export interface CredentialsDependencies {
  database: Database;
  addresses: EmailSecrets;
  passwords: PasswordVerifier;
  /** passwords for one address from one place are checked one after the other: many right ones at once must not look like guesses */
  inLine: InLine;
}

/**
 * Which account an address and a password open. One hash whatever there is under the address: every account under it shares the
 * salt, so that the one hash is compared with each. It counts as a guess before it is tried.
 * @param email in its one spelling
 * @param options.right whether a right password is counted too, or taken back
 * @throws `RATE_LIMITED` while there is to wait, right password or wrong; `SERVICE_UNAVAILABLE` when too many passwords are
 * being checked, with the guess taken back
 */
export async function checkCredentials(deps: CredentialsDependencies, email: string, password: string, ip: string, options: { right: 'counts' | 'taken-back' }): Promise<CheckedCredentials> {
  const { database, addresses, passwords } = deps;
  return deps.inLine(addresses.guessSubjects(email, ip).place, async () => {
    const guess = await countGuess(deps, email, ip);
    const primary = await findUserByEmail(database, email);
    const recipe = (primary && recipeOf(primary.passwordHash)) ?? newRecipe(addresses.salt(email));
    const passwordHash = await passwords.hash(password, recipe).catch(async (error: unknown) => {
      await takeGuessBack(database, guess, new Date(), { signedIn: false });
      throw error;
    });
    const shadow = await findShadow(database, email, passwordHash);
    const isPrimary = primary !== undefined && primary.isActive && isSameHash(primary.passwordHash, passwordHash);
    const user = isPrimary ? primary : shadow;
    if (user && options.right === 'taken-back') await takeGuessBack(database, guess, new Date(), { signedIn: true });
    return { user, passwordHash };
  });
}

/** Counts a guess at an address. Throws `RATE_LIMITED` while there is to wait. */
export async function countGuess({ database, addresses }: Pick<CredentialsDependencies, 'database' | 'addresses'>, email: string, ip: string): Promise<CountedGuess> {
  const taken = await takeGuess(database, addresses.guessSubjects(email, ip), new Date());
  if (taken.kind === 'wait') throw new EngineError('RATE_LIMITED', { reason: 'guesses', retryAfterSeconds: String(Math.ceil(taken.retryAfterMs / 1_000)) });
  return taken.guess;
}
