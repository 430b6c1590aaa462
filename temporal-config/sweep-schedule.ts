import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { TASK_QUEUES } from './task-queues.ts';

const SCHEDULE_ID = 'sweep';
/** How long an accepted withdrawal without a workflow waits at most, give or take the sweep itself. */
const SWEEP_EVERY = '10 seconds';

/** Creates the sweeper's schedule unless it is there. Called twice, or by many workers: one schedule. */
export async function ensureSweepSchedule(client: Client): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: SCHEDULE_ID,
      spec: { intervals: [{ every: SWEEP_EVERY }] },
      action: { type: 'startWorkflow', workflowType: 'sweep', workflowId: SCHEDULE_ID, taskQueue: TASK_QUEUES.withdrawals, args: [] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
