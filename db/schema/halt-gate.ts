import { int, mysqlTable } from 'drizzle-orm/mysql-core';

/**
 * One row, never changed. Exists to be locked: shared by whoever commits what a halt forbids, alone by whoever waits until
 * everyone that has not seen a halt is through.
 */
export const haltGate = mysqlTable('halts_gate', { id: int('id').primaryKey() });
