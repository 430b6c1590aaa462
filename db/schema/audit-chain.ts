import { bigint, char, mysqlTable, uniqueIndex } from 'drizzle-orm/mysql-core';

/** The audit log's hash chain. Exists beside the log, so that no call waits for its link: one chainer appends what was committed. */
export const auditChain = mysqlTable(
  'audit_chain',
  {
    /** 1, 2, 3 …: the order in which the chainer saw rows committed, without gaps */
    position: bigint('position', { mode: 'number' }).primaryKey(),
    auditId: bigint('audit_id', { mode: 'number' }).notNull(),
    /** SHA-256, hex, over the hash before and the row */
    hash: char('hash', { length: 64 }).notNull(),
  },
  (table) => [uniqueIndex('audit_chain_row').on(table.auditId)],
);
