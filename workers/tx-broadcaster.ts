import { makeBroadcast } from '../activities/broadcast.ts';
import type { BroadcastActivities } from '../activities/index.ts';
import { makeSendFiller } from '../activities/send-filler.ts';
import { TASK_QUEUES } from '../temporal-config/task-queues.ts';
import { WORKER_TUNING } from '../temporal-config/worker-tuning.ts';
import { runWorker } from './run-worker.ts';

/** Sends stored bytes. */
process.exitCode = await runWorker('tx-broadcaster', async ({ ports }) => {
  const activities: BroadcastActivities = { broadcast: makeBroadcast(ports), sendFiller: makeSendFiller(ports) };
  return { worker: { taskQueue: TASK_QUEUES.broadcast, activities, ...WORKER_TUNING.broadcast } };
});
