import type { Client } from '@temporalio/client';
import { isRequestId, requestIdOf, workflowIdOf } from '../domain/request-id.ts';
import { WITHDRAWAL_WORKFLOW } from './start-withdrawal.ts';

/** One run of a withdrawal's workflow, as Temporal's visibility store shows it. The store lags a little; what it shows did happen. */
export interface WithdrawalExecution {
  requestId: string;
  runId: string;
  running: boolean;
  /** it ended by itself: its withdrawal had reached an end in the database before */
  completed: boolean;
  startedAt: Date;
  memo: unknown;
}

/**
 * Every run of every withdrawal the namespace still keeps, running and closed. A run somebody started by hand under another id
 * is nobody's word on a withdrawal, and left out.
 */
export async function* listWithdrawalExecutions(client: Client, condition = ''): AsyncGenerator<WithdrawalExecution> {
  for await (const { workflowId, runId, status, startTime, memo } of client.workflow.list({ query: `WorkflowType = '${WITHDRAWAL_WORKFLOW}'${condition}` })) {
    const requestId = requestIdOf(workflowId);
    if (workflowId !== workflowIdOf(requestId) || !isRequestId(requestId)) continue;
    yield { requestId, runId, running: status.name === 'RUNNING', completed: status.name === 'COMPLETED', startedAt: startTime, memo };
  }
}

/** At most `limit` of the runs started after `since`, running ones first. */
export async function listStartedSince(client: Client, since: Date, limit: number): Promise<WithdrawalExecution[]> {
  const found: WithdrawalExecution[] = [];
  for await (const execution of listWithdrawalExecutions(client, ` AND StartTime > '${since.toISOString()}'`)) {
    found.push(execution);
    if (found.length >= limit) break;
  }
  return found;
}

/** Which of these requests have a running workflow, as far as the visibility store knows. */
export async function listRunning(client: Client, requestIds: readonly string[]): Promise<Set<string>> {
  if (requestIds.length === 0) return new Set();
  const running = new Set<string>();
  const ids = requestIds.map((requestId) => `'${workflowIdOf(requestId)}'`).join(', ');
  for await (const { requestId } of listWithdrawalExecutions(client, ` AND ExecutionStatus = 'Running' AND WorkflowId IN (${ids})`)) running.add(requestId);
  return running;
}
