import { sql } from 'drizzle-orm';
import { char, check, int, mysqlEnum, mysqlTable, uniqueIndex, varchar } from 'drizzle-orm/mysql-core';
import type { Policy } from '../../domain/policy.ts';
import { jsonColumn, timeColumn } from './columns.ts';

export const POLICY_STATUSES = ['DRAFT', 'LIVE', 'RETIRED', 'REJECTED'] as const;
/** What `live_key` holds in the one row that is live. */
export const LIVE = 'live';

/**
 * The rules by which withdrawals are paid, one row a version. Exists so that it is on record which rules let a payment
 * pass and who approved them. The live row is also the lock under which limits are counted.
 */
export const policies = mysqlTable(
  'policies',
  {
    version: int('version').autoincrement().primaryKey(),
    status: mysqlEnum('status', [...POLICY_STATUSES]).notNull(),
    /** unique: one version is live at a time */
    liveKey: char('live_key', { length: 4 }),
    document: jsonColumn('document', 'mediumtext').$type<Policy>().notNull(),
    /** the version that was live when this one was proposed: it replaces that one and no other */
    baseVersion: int('base_version'),
    reason: varchar('reason', { length: 255 }).notNull(),
    /** null for the first one, which comes from the settings file */
    proposedBy: int('proposed_by'),
    proposedAt: timeColumn('proposed_at').notNull(),
    decidedBy: int('decided_by'),
    decidedAt: timeColumn('decided_at'),
    decisionReason: varchar('decision_reason', { length: 255 }),
    /** when another version took its place */
    retiredAt: timeColumn('retired_at'),
    /** HMAC over the version, made by the API at each change, checked by the signing service; null from before there were seals */
    seal: char('seal', { length: 64 }),
  },
  (table) => [
    uniqueIndex('policies_live').on(table.liveKey),
    // Whoever proposes it does not put it in force.
    check('policies_two_people', sql`${table.status} IN ('DRAFT','REJECTED') OR ${table.proposedBy} IS NULL OR (${table.decidedBy} IS NOT NULL AND ${table.decidedBy} <> ${table.proposedBy})`),
  ],
);
