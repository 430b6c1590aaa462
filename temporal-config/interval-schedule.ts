import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { TASK_QUEUES } from './task-queues.ts';

/**
 * Creates the schedule that runs a workflow of the `withdrawals` queue every so often, under the workflow's own name, or gives
 * an existing one this interval. Called twice, or by many workers: one schedule. A schedule somebody paused stays paused.
 */
export async function ensureIntervalSchedule(client: Client, workflowType: string, everyMs: number): Promise<void> {
  const scheduleId = workflowType;
  const spec = { intervals: [{ every: everyMs }] };
  try {
    await client.schedule.create({
      scheduleId,
      spec,
      action: { type: 'startWorkflow', workflowType, workflowId: scheduleId, taskQueue: TASK_QUEUES.withdrawals, args: [] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const handle = client.schedule.getHandle(scheduleId);
    const { spec: standing } = await handle.describe();
    if (standing.intervals?.length === 1 && standing.intervals[0]?.every === everyMs) return;
    await handle.update(({ action, policies, state }) => ({ action, policies, state, spec }));
  }
}
