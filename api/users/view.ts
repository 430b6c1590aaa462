import type { Database } from '../../db/client.ts';
import { lastUseOf } from '../../db/repositories/accounts/list-users.ts';
import type { User } from '../../db/repositories/accounts/users.ts';
import type { UserView } from '../schemas/user.ts';

/** Accounts as operators see them; of the password nothing. */
export async function userViews(database: Database, rows: readonly User[]): Promise<UserView[]> {
  const lastUse = await lastUseOf(database, rows.map(({ id }) => id));
  return rows.map((row) => viewOf(row, lastUse.get(row.id)));
}

export async function userView(database: Database, row: User): Promise<UserView> {
  return viewOf(row, (await lastUseOf(database, [row.id])).get(row.id));
}

function viewOf({ id, email, askedEmail, role, isActive, mustChangePassword, createdAt }: User, lastUsedAt: Date | undefined): UserView {
  return { id, email, askedEmail, role, isActive, mustChangePassword, createdAt: createdAt.toISOString(), lastUsedAt: lastUsedAt?.toISOString() ?? null };
}
