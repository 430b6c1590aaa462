import type { FastifyRequest } from 'fastify';
import type { Database } from '../../db/client.ts';
import { commitCancelIntent } from '../../db/repositories/withdrawals/cancel-intent.ts';
import type { WithdrawalRow } from '../../db/repositories/withdrawals/withdrawals.ts';
import { EngineError } from '../../domain/errors.ts';
import { accountOf } from '../plugins/authentication.ts';
import type { WorkflowStarter } from './starter.ts';
import { visibilityOf } from './view-context.ts';

/**
 * Commits the caller's wish to cancel, then tells the workflow behind the answer; from the commit on no payment is signed.
 * Throws `NOT_FOUND`, also for another's, and `INVALID_STATE` with the reason. Called twice: the first wish stands.
 */
export async function cancel(deps: { database: Database; starter: WorkflowStarter }, request: FastifyRequest, requestId: string): Promise<WithdrawalRow> {
  const result = await commitCancelIntent(deps.database, requestId, visibilityOf(request), new Date());
  if (result.kind === 'not-found') throw new EngineError('NOT_FOUND', { requestId });
  if (result.kind === 'refused') throw new EngineError('INVALID_STATE', { reason: result.reason, status: result.status });
  request.log.info({ requestId, accountId: accountOf(request).id }, 'cancellation requested');
  deps.starter.signalCancel(requestId, request.log);
  return result.row;
}
