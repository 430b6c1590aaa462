import { eq, inArray } from 'drizzle-orm';
import type { Role } from '../../../domain/status.ts';
import type { Database } from '../../client.ts';
import { users } from '../../schema/index.ts';
import { transact } from '../../transact.ts';
import { revokeSessionsOf } from './sessions.ts';
import type { User } from './users.ts';

export interface AccountChange {
  /** the ADMIN who changes it */
  actorId: number;
  targetId: number;
  role?: Role | undefined;
  isActive?: boolean | undefined;
  now: Date;
}

export type AccountChanged =
  | { kind: 'done'; row: User; before: Pick<User, 'role' | 'isActive'> }
  | { kind: 'not-found' }
  | { kind: 'refused'; reason: 'own-account' | 'shadow-account' }
  /** the actor is no active ADMIN any more */
  | { kind: 'not-allowed' };

/**
 * Changes the role of an account or whether it may act, and ends its sessions in the same transaction. Called twice, the
 * second finds nothing to change and ends nothing.
 *
 * Both rows are held, lower id first, and the actor is judged under that: of two ADMINs who demote each other at once one
 * comes first, and the other is no ADMIN then. As nobody changes themselves, whoever changes something remains: there is always
 * an active ADMIN left.
 */
export async function changeAccount(db: Database, change: AccountChange): Promise<AccountChanged> {
  const { actorId, targetId, now } = change;
  if (actorId === targetId) return { kind: 'refused', reason: 'own-account' };
  return transact(db, async (tx): Promise<AccountChanged> => {
    const rows = await tx.select().from(users).where(inArray(users.id, [actorId, targetId])).orderBy(users.id).for('update');
    const [actor, target] = [actorId, targetId].map((id) => rows.find((row) => row.id === id));
    if (!actor?.isActive || actor.role !== 'ADMIN') return { kind: 'not-allowed' };
    if (!target) return { kind: 'not-found' };
    const after = { role: change.role ?? target.role, isActive: change.isActive ?? target.isActive };
    if (target.askedEmail !== null && after.role !== 'USER') return { kind: 'refused', reason: 'shadow-account' };
    if (after.role !== target.role || after.isActive !== target.isActive) {
      await tx.update(users).set(after).where(eq(users.id, targetId));
      await revokeSessionsOf(tx, targetId, now);
    }
    return { kind: 'done', row: { ...target, ...after }, before: { role: target.role, isActive: target.isActive } };
  });
}
