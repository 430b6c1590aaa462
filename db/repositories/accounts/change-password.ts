import { eq } from 'drizzle-orm';
import type { Database } from '../../client.ts';
import { users } from '../../schema/index.ts';
import { transact } from '../../transact.ts';
import { revokeSessionsOf } from './sessions.ts';
import { lockUser } from './users.ts';

/**
 * Sets a password and ends the account's sessions in the same transaction, but for the one that asks. False, with nothing changed,
 * where the password is no longer `before`: of two changes at once one wins.
 * @param change.passwordHash argon2id in PHC string format, by the salt of `before`: accounts under one address share it
 */
export async function changePassword(
  db: Database,
  change: { userId: number; before: string; passwordHash: string; mustChangePassword: boolean; keepSession?: string; now: Date },
): Promise<boolean> {
  return transact(db, async (tx) => {
    const user = await lockUser(tx, change.userId);
    if (user?.passwordHash !== change.before) return false;
    await tx.update(users).set({ passwordHash: change.passwordHash, mustChangePassword: change.mustChangePassword }).where(eq(users.id, change.userId));
    await revokeSessionsOf(tx, change.userId, change.now, change.keepSession);
    return true;
  });
}
