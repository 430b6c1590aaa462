import { bigint, mysqlTable } from 'drizzle-orm/mysql-core';

/**
 * Rows of the audit log that have no link yet, written by a trigger in the row's own transaction. Exists because ids say
 * nothing about the order of commits: a row that is committed late is found here, however far the chain has gone on.
 */
export const auditPending = mysqlTable('audit_pending', { auditId: bigint('audit_id', { mode: 'number' }).primaryKey() });
