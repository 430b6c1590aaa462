import { proxyActivities, sleep } from '@temporalio/workflow';
import type { AttemptInput, NotificationActivities } from '../activities/index.ts';
import { HEARTBEAT_TIMEOUT } from './profiles.ts';

const { attemptDelivery } = proxyActivities<NotificationActivities>({
  // Longer than the longest time an answer is waited for, and its record.
  startToCloseTimeout: '40 seconds',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  // Failures of the receiver are answers; what is thrown is ours, and waited out.
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/**
 * One message to one receiver: an attempt, a wait, another attempt, until the database says it has ended. What to send, whether, and how
 * long to wait is decided there, so that a second run of this workflow sends nothing twice that was recorded.
 */
export async function deliverWebhook(input: AttemptInput): Promise<void> {
  for (;;) {
    const result = await attemptDelivery(input);
    if (result.kind === 'ended') return;
    await sleep(result.waitMs, { summary: 'until the next attempt is due' });
  }
}
