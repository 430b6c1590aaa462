import { Client } from '@temporalio/client';
import { fileURLToPath } from 'node:url';
import { makeCloseUnpaid } from '../activities/close-unpaid.ts';
import type { WithdrawalActivities } from '../activities/index.ts';
import { makePark } from '../activities/park.ts';
import { makeRequestCancel } from '../activities/request-cancel.ts';
import { makeReserveFunds } from '../activities/reserve-funds.ts';
import { makeSettle } from '../activities/settle.ts';
import { makeSweep } from '../activities/sweep.ts';
import { listStopped, startWithdrawal } from '../temporal-config/start-withdrawal.ts';
import { ensureSweepSchedule } from '../temporal-config/sweep-schedule.ts';
import { TASK_QUEUES } from '../temporal-config/task-queues.ts';
import { runWorker } from './run-worker.ts';

/** Workflows; validation, funds and status activities; the sweeper. */
process.exitCode = await runWorker('withdrawal-worker', async ({ config, ports, connection }) => {
  const client = new Client({ connection, namespace: config.temporal.namespace });
  await ensureSweepSchedule(client);
  const activities: WithdrawalActivities = {
    reserveFunds: makeReserveFunds(ports),
    settle: makeSettle(ports),
    closeUnpaid: makeCloseUnpaid(ports),
    park: makePark(ports),
    requestCancel: makeRequestCancel(ports),
    sweep: makeSweep({ ...ports, startWithdrawal: (start) => startWithdrawal(client, start), listStopped: () => listStopped(client) }),
  };
  return {
    worker: {
      taskQueue: TASK_QUEUES.withdrawals,
      workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)),
      activities,
      maxConcurrentWorkflowTaskExecutions: 40,
      maxConcurrentActivityTaskExecutions: 50,
      maxConcurrentLocalActivityExecutions: 50,
    },
  };
});
