import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { clientOn, connectTo, type TemporalSettings } from '../../temporal-config/connection.ts';

const CALL_TIMEOUT_MS = 8_000;

/** What an operator's hands, or somebody's mistake, do to workflows: straight to the server, past the proxy. */
export interface TemporalActs {
  /** Starts the withdrawal's workflow again: under its own id, or as a second one beside it. */
  startAgain(requestId: string, as: 'itself' | 'second'): Promise<string>;
  terminate(requestId: string): Promise<void>;
  /** Resets the newest run to one of its workflow tasks. */
  reset(requestId: string, pick: number): Promise<string>;
  /** The answer of a person to a dead letter. */
  retry(requestId: string): Promise<void>;
  close(): Promise<void>;
}

export async function openTemporalActs(settings: TemporalSettings): Promise<TemporalActs> {
  const { namespace } = settings;
  const connection = await connectTo(settings);
  const client = clientOn(connection, settings);
  const workflowIdOf = (requestId: string): string => `withdrawal-${requestId}`;
  const bounded = async <Result>(act: () => Promise<Result>): Promise<Result> => await connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, act);

  return {
    startAgain: (requestId, as) =>
      bounded(async () => {
        try {
          const handle = await client.workflow.start('withdrawal', {
            workflowId: as === 'itself' ? workflowIdOf(requestId) : `${workflowIdOf(requestId)}-second`,
            taskQueue: 'withdrawals',
            args: [{ requestId, correlationId: 'faults' }],
            // The server would refuse a completed one under the engine's own policy; the books have to bear it without that.
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
            workflowIdConflictPolicy: 'USE_EXISTING',
          });
          return handle.workflowId;
        } catch (error) {
          if (error instanceof WorkflowExecutionAlreadyStartedError) return 'refused';
          throw error;
        }
      }),
    terminate: (requestId) => bounded(async () => void (await client.workflow.getHandle(workflowIdOf(requestId)).terminate('fault run'))),
    reset: (requestId, pick) =>
      bounded(async () => {
        const handle = client.workflow.getHandle(workflowIdOf(requestId));
        const { events } = await handle.fetchHistory();
        const tasks = (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes).map(({ eventId }) => eventId);
        const workflowTaskFinishEventId = tasks[pick % Math.max(1, tasks.length)];
        if (workflowTaskFinishEventId === undefined || workflowTaskFinishEventId === null) throw new Error('no workflow task to reset to yet');
        const { runId } = await handle.describe();
        await client.workflowService.resetWorkflowExecution({ namespace, workflowExecution: { workflowId: handle.workflowId, runId }, reason: 'fault run', requestId: `${runId}-${pick}`, workflowTaskFinishEventId });
        return `to event ${workflowTaskFinishEventId.toString()}`;
      }),
    retry: (requestId) => bounded(async () => await client.workflow.getHandle(workflowIdOf(requestId)).signal('retry')),
    close: () => connection.close(),
  };
}
