import type { Client } from '@temporalio/client';
import { ensureIntervalSchedule } from './interval-schedule.ts';

/** How long an accepted withdrawal without a workflow waits at most, give or take the sweep itself. */
const SWEEP_EVERY_MS = 10_000;

/** Creates the sweeper's schedule, or gives an existing one this interval. Called twice: one schedule. */
export async function ensureSweepSchedule(client: Client): Promise<void> {
  await ensureIntervalSchedule(client, 'sweep', SWEEP_EVERY_MS);
}
