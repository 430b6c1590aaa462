import { bigint, char, index, int, mysqlEnum, mysqlTable, text, varchar } from 'drizzle-orm/mysql-core';
import { AUDIT_ACTORS, AUDIT_PHASES, type AuditAction } from '../../domain/audit.ts';
import { timeColumn } from './columns.ts';

/**
 * Who changed what, from where, and what came of it. Exists so that nothing changes without a trace, whatever dies meanwhile.
 * Append only: triggers refuse updates and deletes, and `audit_chain` shows what was done behind them.
 */
export const auditLog = mysqlTable(
  'audit_log',
  {
    /** rises, with gaps: a transaction that is undone takes its number along */
    id: bigint('id', { mode: 'number' }).autoincrement().primaryKey(),
    at: timeColumn('at').notNull(),
    callId: char('call_id', { length: 32 }).notNull(),
    phase: mysqlEnum('phase', [...AUDIT_PHASES]).notNull(),
    actorKind: mysqlEnum('actor_kind', [...AUDIT_ACTORS]).notNull(),
    actorId: int('actor_id'),
    actorName: varchar('actor_name', { length: 320 }),
    via: varchar('via', { length: 64 }),
    ip: varchar('ip', { length: 45 }),
    userAgent: varchar('user_agent', { length: 160 }),
    action: varchar('action', { length: 64 }).$type<AuditAction>().notNull(),
    targetKind: varchar('target_kind', { length: 32 }),
    targetId: varchar('target_id', { length: 128 }),
    status: int('status'),
    errorCode: varchar('error_code', { length: 64 }),
    /** JSON as text: the hash is over these very characters */
    stateBefore: text('state_before'),
    stateAfter: text('state_after'),
    correlationId: varchar('correlation_id', { length: 64 }).notNull(),
    times: int('times').notNull(),
  },
  (table) => [
    index('audit_log_at').on(table.at),
    index('audit_log_actor_id').on(table.actorId),
    index('audit_log_actor_name').on(table.actorName),
    index('audit_log_action').on(table.action),
    index('audit_log_target').on(table.targetId),
    index('audit_log_call').on(table.callId),
  ],
);
