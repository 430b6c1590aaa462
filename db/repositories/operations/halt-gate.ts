import { sql } from 'drizzle-orm';
import type { Database, Transaction } from '../../client.ts';

/**
 * Passes the gate until the transaction ends. Call it before halts are read in a transaction that commits what they forbid:
 * then a halt is either seen here, or whoever set it can wait (`untilThrough`) until this transaction is over.
 */
export async function passHaltGate(tx: Transaction): Promise<void> {
  // Not FOR SHARE: MariaDB does not know it.
  await tx.execute(sql`SELECT id FROM halts_gate LOCK IN SHARE MODE`);
}

/**
 * Resolves once nobody is in the gate who came before: called after a halt was committed, nothing that it forbids is committed
 * from then on. Changes nothing. Throws when somebody stays in the gate for longer than a lock is waited for; it is not asked again
 * then, as whoever comes to the gate waits behind this.
 */
export async function untilThrough(db: Database): Promise<void> {
  await db.transaction((tx) => tx.execute(sql`SELECT id FROM halts_gate FOR UPDATE`));
}
