import type { WorkerOptions } from '@temporalio/worker';
import type { Client } from '@temporalio/client';
import type { NotificationActivities } from '../activities/index.ts';
import { makeAttemptDelivery } from '../activities/webhooks/attempt-delivery.ts';
import { createEndpointSlots } from '../activities/webhooks/endpoint-slots.ts';
import { resolveHost, type ResolveHost } from '../activities/webhooks/resolve-host.ts';
import { startDelivery } from '../temporal-config/start-delivery.ts';
import { TASK_QUEUES } from '../temporal-config/task-queues.ts';
import { WORKER_TUNING } from '../temporal-config/worker-tuning.ts';
import type { Ports } from './ports.ts';
import { dispatchWebhooks } from './webhook-dispatcher.ts';

export interface NotificationPorts extends Pick<Ports, 'db' | 'settings' | 'log'> {
  webhookKey: Uint8Array;
  /** asks the name servers, unless given */
  resolveHost?: ResolveHost;
}

/** The worker that sends notifications, apart from what moves money; it also runs the workflows that wait between attempts. */
export function notificationWorker(ports: NotificationPorts): Pick<WorkerOptions, 'taskQueue' | 'activities' | 'maxConcurrentActivityTaskExecutions' | 'maxConcurrentWorkflowTaskExecutions'> {
  const activities: NotificationActivities = { attemptDelivery: makeAttemptDelivery({ resolveHost, ...ports, slots: createEndpointSlots(), now: () => new Date() }) };
  return { taskQueue: TASK_QUEUES.notifications, activities: { ...activities }, ...WORKER_TUNING.notifications };
}

/** Starts what is to be sent, until the signal aborts. */
export function dispatchNotifications(ports: Pick<NotificationPorts, 'db' | 'settings' | 'log'>, client: Client, signal: AbortSignal): Promise<void> {
  return dispatchWebhooks({ ...ports, startDelivery: (delivery) => startDelivery(client, delivery) }, signal);
}
