import type { Client } from '@temporalio/client';
import { ensureIntervalSchedule } from './interval-schedule.ts';

export const RECONCILE_SCHEDULE_ID = 'reconcile';

/** Creates the schedule that holds the chain against the books, or gives an existing one this interval. Called twice: one schedule. */
export async function ensureReconcileSchedule(client: Client, everyMs: number): Promise<void> {
  await ensureIntervalSchedule(client, RECONCILE_SCHEDULE_ID, everyMs);
}
