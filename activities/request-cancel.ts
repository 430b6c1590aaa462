import type { Database } from '../db/client.ts';
import { commitCancelIntent } from '../db/repositories/withdrawals/cancel-intent.ts';
import { moneyActivity, type ActivityLog } from './failure.ts';

/**
 * Commits the cancel intent that a bare signal asks for; the REST call has committed it already. Called twice: it stands.
 * @returns false when it is too late: signed bytes pay, or the withdrawal has ended
 */
export function makeRequestCancel(ports: { db: Database; log: ActivityLog }) {
  return moneyActivity('requestCancel', ports.log, async ({ requestId }: { requestId: string }): Promise<boolean> => {
    const cancellation = await commitCancelIntent(ports.db, requestId, 'all', new Date());
    return cancellation.kind === 'intended';
  });
}
