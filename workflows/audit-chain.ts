import { proxyActivities, upsertMemo, workflowInfo } from '@temporalio/workflow';
import type { AuditAnchor, WithdrawalActivities } from '../activities/index.ts';
import { HEARTBEAT_TIMEOUT } from './profiles.ts';

const { chainAudit } = proxyActivities<Pick<WithdrawalActivities, 'chainAudit'>>({
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  // The schedule comes again in seconds; a failed run is not worth retrying.
  retry: { maximumAttempts: 1 },
});

/**
 * Links the audit log and keeps where its chain ends: as the result, which the schedule hands to the next run, and in the memo,
 * so that all anchors can be listed. Run by a Temporal Schedule.
 */
export async function auditChain(): Promise<AuditAnchor> {
  const last = workflowInfo().lastResult as AuditAnchor | undefined;
  const anchor = await chainAudit({ last: last === undefined ? null : { position: last.position, hash: last.hash } });
  upsertMemo({ anchor: { position: anchor.position, hash: anchor.hash } });
  return anchor;
}
