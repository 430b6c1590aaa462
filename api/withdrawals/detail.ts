import type { FastifyRequest } from 'fastify';
import type { Queryable } from '../../db/client.ts';
import { listNamedApprovals } from '../../db/repositories/policy/approvals.ts';
import { findDecision } from '../../db/repositories/policy/policy-decisions.ts';
import { findWithdrawal, listAttemptsOfRequest, listEventsAfter } from '../../db/repositories/withdrawals/read-withdrawals.ts';
import { EngineError } from '../../domain/errors.ts';
import type { Settings } from '../../domain/settings.ts';
import type { ApprovalsView, WithdrawalDetailView } from '../schemas/withdrawal.ts';
import { viewContextOf, visibilityOf } from './view-context.ts';
import { approvalsView, withdrawalDetailView } from './view.ts';

/** One withdrawal as the caller may see it, with all that belongs to it. Throws `NOT_FOUND`, also for another's. */
export async function readDetail(database: Queryable, request: FastifyRequest, requestId: string, settings: Settings): Promise<WithdrawalDetailView> {
  const row = await findWithdrawal(database, requestId, visibilityOf(request));
  if (!row) throw new EngineError('NOT_FOUND', { requestId });
  // After the row, so that nothing of it is older than the status.
  const [attempts, events, approvals] = await Promise.all([
    listAttemptsOfRequest(database, requestId),
    listEventsAfter(database, requestId, 0),
    readApprovals(database, requestId, visibilityOf(request) === 'all'),
  ]);
  return withdrawalDetailView(row, { attempts, events, approvals }, viewContextOf(request, settings));
}

async function readApprovals(database: Queryable, requestId: string, isForOperators: boolean): Promise<ApprovalsView | undefined> {
  const decision = await findDecision(database, requestId);
  if (!decision || decision.approvalsRequired === 0) return undefined;
  return approvalsView(decision, await listNamedApprovals(database, requestId), isForOperators);
}
