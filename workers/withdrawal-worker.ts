import { Client } from '@temporalio/client';
import { bundleWorkflowCode, Runtime } from '@temporalio/worker';
import { ensureAuditSchedule } from '../temporal-config/audit-schedule.ts';
import { ensureReconcileSchedule } from '../temporal-config/reconcile-schedule.ts';
import { ensureSweepSchedule } from '../temporal-config/sweep-schedule.ts';
import { ensureTreasurySchedule } from '../temporal-config/treasury-schedule.ts';
import { listStartedSince } from '../temporal-config/withdrawal-executions.ts';
import { TASK_QUEUES } from '../temporal-config/task-queues.ts';
import { WORKER_TUNING } from '../temporal-config/worker-tuning.ts';
import { checkBooksAtStart } from './check-books-at-start.ts';
import { keyFrom } from './config.ts';
import { dispatchNotifications, notificationWorker } from './notifications.ts';
import { runWorker } from './run-worker.ts';
import { startGuardians, withdrawalActivities } from './withdrawal-activities.ts';
import { WORKFLOW_BUNDLE } from './workflow-bundle.ts';

/** Workflows; validation, funds and status activities; the sweeper; the comparison of chain and books; notifications. */
process.exitCode = await runWorker('withdrawal-worker', async ({ config, ports, connection }) => {
  const client = new Client({ connection, namespace: config.temporal.namespace, dataConverter: config.temporal.dataConverter });
  await checkBooksAtStart(ports, (since, limit) => listStartedSince(client, since, limit), 'withdrawal-worker');
  await ensureSweepSchedule(client);
  await ensureAuditSchedule(client);
  await ensureReconcileSchedule(client, config.settings.chain.reconcileEveryMs);
  await ensureTreasurySchedule(client, config.settings.treasury.everyMs);
  // The sweeper starts what is missing: a database that is away now keeps no workflow waiting.
  await startGuardians(ports, client).catch((error: unknown) => ports.log.warn({ error }, 'the guardians could not be started: the sweeper will'));
  const workflowBundle = await bundleWorkflowCode({ ...WORKFLOW_BUNDLE, logger: Runtime.instance().logger });
  const notificationPorts = { ...ports, webhookKey: keyFrom(process.env, 'WEBHOOK_KEY') };
  return {
    worker: {
      taskQueue: TASK_QUEUES.withdrawals,
      workflowBundle,
      activities: withdrawalActivities(ports, client),
      ...WORKER_TUNING.withdrawals,
    },
    otherWorkers: [{ ...notificationWorker(notificationPorts), workflowBundle }],
    background: (signal) => dispatchNotifications(ports, client, signal),
  };
});
