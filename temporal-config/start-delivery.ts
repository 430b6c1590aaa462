import type { Client } from '@temporalio/client';
import { deliveryWorkflowIdOf } from '../domain/webhooks.ts';
import { TASK_QUEUES } from './task-queues.ts';

/** Name under which the delivery workflow is registered. */
const DELIVERY_WORKFLOW = 'deliverWebhook';

/**
 * Starts the workflow that sends a notification, or finds it running. Called twice, the second call changes nothing; one that has
 * closed although its message has not ended runs again, and reads in the database what is left to do. Throws when Temporal cannot be
 * reached.
 */
export async function startDelivery(client: Client, delivery: { deliveryId: number; round: number }): Promise<void> {
  await client.workflow.start(DELIVERY_WORKFLOW, {
    workflowId: deliveryWorkflowIdOf(delivery.deliveryId, delivery.round),
    taskQueue: TASK_QUEUES.notifications,
    args: [delivery],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `notification ${delivery.deliveryId}, round ${delivery.round}`,
  });
}
