import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { TASK_QUEUES, type TaskQueue } from './task-queues.ts';

const { TaskQueueType } = proto.temporal.api.enums.v1;

export const TASK_KINDS = ['workflow', 'activity'] as const;
export type TaskKind = (typeof TASK_KINDS)[number];

/** The tasks of one kind in one task queue, as Temporal's matching service sees them. */
export interface QueueState {
  taskQueue: TaskQueue;
  kind: TaskKind;
  /** how many wait for a worker. Workflow tasks that wait for the very worker that ran them before are not counted */
  backlog: number;
  /** how long the first of them has waited, ms; null when none waits */
  oldestMs: number | null;
  /** over the last 30 s, also those that never waited */
  addedPerSecond: number;
  dispatchedPerSecond: number;
  /** who asked for tasks within the last minutes */
  pollers: { identity: string; lastAccessAt: Date }[];
}

/** The kinds of task each queue serves. */
export const KINDS_OF: Record<TaskQueue, readonly TaskKind[]> = {
  [TASK_QUEUES.withdrawals]: ['workflow', 'activity'],
  [TASK_QUEUES.signing]: ['activity'],
  [TASK_QUEUES.broadcast]: ['activity'],
  [TASK_QUEUES.monitor]: ['activity'],
  [TASK_QUEUES.notifications]: ['workflow', 'activity'],
};
const TYPE_OF = { workflow: TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, activity: TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY } as const;

/** Every task queue by kind of task, all asked at once. Rejects when Temporal does not answer within `timeoutMs`. */
export async function readQueueStates(client: Client, timeoutMs: number): Promise<QueueState[]> {
  const asked = Object.values(TASK_QUEUES).flatMap((taskQueue) => KINDS_OF[taskQueue].map((kind) => ({ taskQueue, kind })));
  return client.withDeadline(Date.now() + timeoutMs, () => Promise.all(asked.map(({ taskQueue, kind }) => readQueueState(client, taskQueue, kind))));
}

async function readQueueState(client: Client, taskQueue: TaskQueue, kind: TaskKind): Promise<QueueState> {
  const { stats, pollers } = await client.workflowService.describeTaskQueue({ namespace: client.options.namespace, taskQueue: { name: taskQueue }, taskQueueType: TYPE_OF[kind], reportStats: true });
  const backlog = Number(stats?.approximateBacklogCount ?? 0);
  return {
    taskQueue,
    kind,
    backlog,
    oldestMs: backlog > 0 && stats?.approximateBacklogAge ? millisecondsOf(stats.approximateBacklogAge) : null,
    addedPerSecond: stats?.tasksAddRate ?? 0,
    dispatchedPerSecond: stats?.tasksDispatchRate ?? 0,
    pollers: pollers.flatMap(({ identity, lastAccessTime }) => (lastAccessTime ? [{ identity: identity ?? '', lastAccessAt: new Date(millisecondsOf(lastAccessTime)) }] : [])),
  };
}

/** protobuf's Duration and Timestamp: whole seconds, and nanoseconds on top. */
function millisecondsOf({ seconds, nanos }: { seconds?: unknown; nanos?: number | null }): number {
  return Number(seconds ?? 0) * 1_000 + Math.floor((nanos ?? 0) / 1_000_000);
}
