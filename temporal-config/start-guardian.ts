import type { Client } from '@temporalio/client';
import { guardianIdOf } from '../domain/guardian.ts';
import { SEARCH_ATTRIBUTES } from './search-attributes.ts';
import { TASK_QUEUES } from './task-queues.ts';

/** Name under which the guardian workflow is registered. */
const GUARDIAN_WORKFLOW = 'guardian';

/**
 * Starts the guardian of a hot wallet, or finds it running. Called twice, the second call changes nothing; one that was
 * terminated, or cancelled, is started again with nothing remembered. Throws when Temporal cannot be reached.
 */
export async function startGuardian(client: Client, wallet: { chainId: number; walletAddress: string }): Promise<void> {
  const { chainId, walletAddress } = wallet;
  await client.workflow.start(GUARDIAN_WORKFLOW, {
    workflowId: guardianIdOf(chainId, walletAddress),
    taskQueue: TASK_QUEUES.withdrawals,
    args: [{ chainId, walletAddress }],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    typedSearchAttributes: [{ key: SEARCH_ATTRIBUTES.wallet, value: walletAddress }],
    staticSummary: `guardian of ${walletAddress} on chain ${chainId}`,
  });
}
