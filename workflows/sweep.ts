import { proxyActivities } from '@temporalio/workflow';
import type { WithdrawalActivities } from '../activities/index.ts';
import { HEARTBEAT_TIMEOUT } from './profiles.ts';

const { sweep: startMissing } = proxyActivities<Pick<WithdrawalActivities, 'sweep'>>({
  startToCloseTimeout: '1 minute',
  // A sweep whose worker was killed must not keep the next ones waiting.
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  // The schedule comes again in seconds; a failed sweep is not worth retrying.
  retry: { maximumAttempts: 1 },
});

/** Starts accepted withdrawals that have no workflow. Run by a Temporal Schedule. */
export async function sweep(): Promise<void> {
  await startMissing();
}
