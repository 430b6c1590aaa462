import type { Client } from '@temporalio/client';
import { ensureIntervalSchedule } from './interval-schedule.ts';

export const AUDIT_CHAIN_WORKFLOW = 'auditChain';
/** A row without its link can still be taken away unseen: as long as this, and a run. */
const AUDIT_CHAIN_EVERY_MS = 5_000;

/** Creates the schedule that links the audit log, or gives an existing one this interval. Called twice: one schedule. */
export async function ensureAuditSchedule(client: Client, everyMs = AUDIT_CHAIN_EVERY_MS): Promise<void> {
  await ensureIntervalSchedule(client, AUDIT_CHAIN_WORKFLOW, everyMs);
}
