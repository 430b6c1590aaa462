import { WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { FastifyBaseLogger } from 'fastify';
import type { Database } from '../../db/client.ts';
import { setTold, type ApprovalRow } from '../../db/repositories/policy/approvals.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import { workflowIdOf } from '../../domain/request-id.ts';
import { APPROVE_MESSAGE, REJECT_MESSAGE } from '../../workflows/message-names.ts';
import { bounded } from '../ready/bounded.ts';

/** What an answer may wait for the workflow; after that the sweeper tells it. */
const TELL_TIMEOUT_MS = 3_000;
const REFUSAL: ErrorCode = 'INVALID_STATE';

/**
 * Tells a withdrawal's workflow of a committed word, and waits until it has looked. Called twice: by its id the update is
 * the same one, and looking twice changes nothing. Dies in the middle, or Temporal is away or slow: the row stands, and the
 * sweeper tells it again.
 * @returns `refused` when the workflow waits for nobody's word any more
 */
export async function tellApproval(deps: { temporal: Client; database: Database }, approval: ApprovalRow, logger: FastifyBaseLogger): Promise<'told' | 'later' | 'refused'> {
  const { id, requestId } = approval;
  const handle = deps.temporal.workflow.getHandle(workflowIdOf(requestId));
  const name = approval.decision === 'APPROVE' ? APPROVE_MESSAGE : REJECT_MESSAGE;
  const update = () => handle.executeUpdate<void, [number]>(name, { args: [id], updateId: `approval-${id}` });
  try {
    // The deadline ends the calls, the bound also a connection that never comes about.
    await bounded(TELL_TIMEOUT_MS, deps.temporal.withDeadline(Date.now() + TELL_TIMEOUT_MS, update));
  } catch (error) {
    if (isRefusal(error)) return 'refused';
    logger.warn({ requestId, approvalId: id, error }, 'the workflow could not be told of an approval; the sweeper takes over');
    return 'later';
  }
  await setTold(deps.database, id, new Date());
  return 'told';
}

function isRefusal(error: unknown): boolean {
  return error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure && error.cause.type === REFUSAL;
}
