import { makeConfirm } from '../activities/confirm.ts';
import type { MonitorActivities } from '../activities/index.ts';
import { TASK_QUEUES } from '../temporal-config/task-queues.ts';
import { WORKER_TUNING } from '../temporal-config/worker-tuning.ts';
import { createChainFollower } from './chain-follower.ts';
import { runWorker } from './run-worker.ts';

/** Follows the chain once for all waiting withdrawals. */
process.exitCode = await runWorker('tx-monitor', async ({ ports }) => {
  const follower = createChainFollower(ports);
  const activities: MonitorActivities = { confirm: makeConfirm({ ...ports, follower }) };
  return {
    worker: { taskQueue: TASK_QUEUES.monitor, activities, ...WORKER_TUNING.monitor },
    background: (signal) => follower.run(signal),
  };
});
