import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { TASK_QUEUES } from './task-queues.ts';

export const RECONCILE_SCHEDULE_ID = 'reconcile';

/**
 * Creates the schedule that holds the chain against the books, or gives an existing one this interval. Called twice, or by
 * many workers: one schedule. A schedule somebody paused stays paused.
 */
export async function ensureReconcileSchedule(client: Client, everyMs: number): Promise<void> {
  const spec = { intervals: [{ every: everyMs }] };
  try {
    await client.schedule.create({
      scheduleId: RECONCILE_SCHEDULE_ID,
      spec,
      action: { type: 'startWorkflow', workflowType: 'reconcile', workflowId: RECONCILE_SCHEDULE_ID, taskQueue: TASK_QUEUES.withdrawals, args: [] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const handle = client.schedule.getHandle(RECONCILE_SCHEDULE_ID);
    const { spec: standing } = await handle.describe();
    if (standing.intervals?.length === 1 && standing.intervals[0]?.every === everyMs) return;
    await handle.update(({ action, policies, state }) => ({ action, policies, state, spec }));
  }
}
