import { proxyActivities } from '@temporalio/workflow';
import type { WithdrawalActivities } from '../activities/index.ts';
import { HEARTBEAT_TIMEOUT } from './profiles.ts';

const { watchTreasury } = proxyActivities<Pick<WithdrawalActivities, 'watchTreasury'>>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  // The schedule comes again in seconds; a failed look is not worth retrying.
  retry: { maximumAttempts: 1 },
});

/** Looks what the hot wallets hold and how long it lasts. Run by a Temporal Schedule. */
export async function treasury(): Promise<void> {
  await watchTreasury();
}
