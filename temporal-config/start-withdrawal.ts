import { WorkflowExecutionAlreadyStartedError, type Client, type WorkflowStartOptions } from '@temporalio/client';
import { requestIdOf, workflowIdOf } from '../domain/request-id.ts';
import type { WithdrawalStart } from '../domain/withdrawal-start.ts';
import { SEARCH_ATTRIBUTES } from './search-attributes.ts';
import { TASK_QUEUES } from './task-queues.ts';

/** Name under which the withdrawal workflow is registered. */
export const WITHDRAWAL_WORKFLOW = 'withdrawal';

export type { WithdrawalStart } from '../domain/withdrawal-start.ts';

export interface StartOptions {
  /**
   * Runs a withdrawal again whose workflow has completed. Only for recovery: the database forgot what that run had
   * settled, and is the guard against paying twice.
   */
  evenIfCompleted?: boolean;
}

/**
 * Starts the workflow of an accepted withdrawal, or finds it running. Its memo carries the sealed request, so that rows a
 * database lost can be rebuilt from it. Called twice, the second call changes nothing; a
 * completed withdrawal never runs again, a terminated one may. Resolves to `closed` when the workflow has completed.
 * Throws when Temporal cannot be reached: the outbox row stays and the sweeper tries again.
 */
export async function startWithdrawal(client: Client, start: WithdrawalStart, options: StartOptions = {}): Promise<'started' | 'closed'> {
  try {
    await client.workflow.start(WITHDRAWAL_WORKFLOW, runOptions(start, options));
    return 'started';
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return 'closed';
    throw error;
  }
}

/** A word to a withdrawal's workflow. */
export interface WithdrawalSignal {
  name: string;
  args: unknown[];
}

/**
 * Says a word to a withdrawal's workflow; one that was terminated is started anew with it, in one step, so that the word is
 * there before the new run looks. Called twice, the word is said twice. Resolves to `closed` when the workflow had completed: nothing was said.
 */
export async function signalWithdrawal(client: Client, start: WithdrawalStart, signal: WithdrawalSignal): Promise<'told' | 'closed'> {
  try {
    await client.workflow.signalWithStart(WITHDRAWAL_WORKFLOW, { ...runOptions(start, {}), signal: signal.name, signalArgs: signal.args });
    return 'told';
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return 'closed';
    throw error;
  }
}

function runOptions(start: WithdrawalStart, { evenIfCompleted = false }: StartOptions) {
  return {
    workflowId: workflowIdOf(start.requestId),
    taskQueue: TASK_QUEUES.withdrawals,
    args: [{ requestId: start.requestId, correlationId: start.correlationId }],
    workflowIdReusePolicy: evenIfCompleted ? 'ALLOW_DUPLICATE' : 'ALLOW_DUPLICATE_FAILED_ONLY',
    workflowIdConflictPolicy: 'USE_EXISTING',
    memo: { ownerId: start.ownerId, idempotencyKeyHash: start.idempotencyKeyHash, sealed: start.sealed },
    typedSearchAttributes: [
      { key: SEARCH_ATTRIBUTES.requestId, value: start.requestId },
      { key: SEARCH_ATTRIBUTES.currency, value: start.currency },
      { key: SEARCH_ATTRIBUTES.status, value: 'PENDING' },
    ],
    staticSummary: `${start.currency} withdrawal ${start.requestId}`,
  } satisfies WorkflowStartOptions;
}

const STOPPED_WITHIN_MS = 60 * 60 * 1_000;

/** Requests whose workflow was stopped from outside (terminated, failed, timed out) within the last hour, by Temporal's visibility store. */
export async function listStopped(client: Client): Promise<string[]> {
  const since = new Date(Date.now() - STOPPED_WITHIN_MS).toISOString();
  const query = `WorkflowType = '${WITHDRAWAL_WORKFLOW}' AND ExecutionStatus IN ('Terminated', 'Failed', 'TimedOut', 'Canceled') AND CloseTime > '${since}'`;
  const requestIds = new Set<string>();
  for await (const execution of client.workflow.list({ query })) requestIds.add(requestIdOf(execution.workflowId));
  return [...requestIds];
}
