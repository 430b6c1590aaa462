import { makeConfirm } from '../activities/confirm.ts';
import type { MonitorActivities } from '../activities/index.ts';
import { TASK_QUEUES } from '../temporal-config/task-queues.ts';
import { createChainFollower } from './chain-follower.ts';
import { runWorker } from './run-worker.ts';

/** Waiting withdrawals cost one heartbeating activity each and no RPC call of their own. */
const WAITING_MAX = 5_000;

/** Follows the chain once for all waiting withdrawals. */
process.exitCode = await runWorker('tx-monitor', async ({ ports }) => {
  const follower = createChainFollower(ports);
  const activities: MonitorActivities = { confirm: makeConfirm({ ...ports, follower }) };
  return {
    worker: { taskQueue: TASK_QUEUES.monitor, activities, maxConcurrentActivityTaskExecutions: WAITING_MAX, maxActivitiesPerSecond: 500 },
    background: (signal) => follower.run(signal),
  };
});
