import type { Client } from '@temporalio/client';
import { ensureIntervalSchedule } from './interval-schedule.ts';

/** Creates the schedule that looks how long the hot wallets' money lasts, or gives an existing one this interval. Called twice: one schedule. */
export async function ensureTreasurySchedule(client: Client, everyMs: number): Promise<void> {
  await ensureIntervalSchedule(client, 'treasury', everyMs);
}
