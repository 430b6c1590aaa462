import { proxyActivities } from '@temporalio/workflow';
import type { WithdrawalActivities } from '../activities/index.ts';
import { HEARTBEAT_TIMEOUT } from './profiles.ts';

const { listHotWallets, reconcileWallet } = proxyActivities<Pick<WithdrawalActivities, 'listHotWallets' | 'reconcileWallet'>>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  // The schedule comes again soon, and begins where the last comparison ended.
  retry: { maximumAttempts: 3 },
});

/** Holds the chain against the books, wallet by wallet. Run by a Temporal Schedule. One that cannot be read keeps no other waiting. */
export async function reconcile(): Promise<void> {
  const wallets = await listHotWallets();
  const results = await Promise.allSettled(wallets.map((walletAddress) => reconcileWallet({ walletAddress })));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
