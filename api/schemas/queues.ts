import { Type, type Static } from 'typebox';
import { ERROR_CLASSES, ERROR_CODES } from '../../domain/errors.ts';
import { WITHDRAWAL_STATUSES } from '../../domain/status.ts';
import { TASK_KINDS } from '../../temporal-config/queue-state.ts';
import { TASK_QUEUES } from '../../temporal-config/task-queues.ts';
import { nullable, oneOf } from './nullable.ts';

const count = Type.Integer({ minimum: 0 });
const oldestAt = nullable(Type.String({ format: 'date-time' }));

const queueExample = { taskQueue: 'signing', kind: 'activity', role: 'signing-service', backlog: 12, oldestMs: 840, addedPerSecond: 9.5, dispatchedPerSecond: 9.1, pollers: [{ identity: '4711@host', lastAccessAt: '2026-11-24T04:20:00.000Z' }] };

export const QueueSchema = Type.Object(
  {
    taskQueue: oneOf(Object.values(TASK_QUEUES)),
    kind: oneOf(TASK_KINDS),
    role: Type.String({ description: 'The worker that serves it' }),
    backlog: Type.Integer({ description: 'Tasks that wait for a worker, about' }),
    oldestMs: nullable(Type.Integer({ description: 'How long the first of them has waited; null when none waits' })),
    addedPerSecond: Type.Number({ description: 'Over the last 30 s, also those that never waited' }),
    dispatchedPerSecond: Type.Number(),
    pollers: Type.Array(Type.Object({ identity: Type.String(), lastAccessAt: Type.String({ format: 'date-time' }) }), { description: 'Who asked for tasks within the last minutes' }),
  },
  {
    $id: 'Queue',
    examples: [queueExample],
  },
);
export type QueueView = Static<typeof QueueSchema>;

export const QueueListSchema = Type.Object(
  {
    items: Type.Array(Type.Unsafe<QueueView>(Type.Ref('Queue')), { description: 'Empty while Temporal is unavailable' }),
    nextCursor: nullable(Type.String()),
    temporal: oneOf(['up', 'unavailable'], { description: 'unavailable: Temporal did not answer in time; what follows is from the database and still true' }),
    waiting: Type.Array(Type.Object({ status: oneOf(WITHDRAWAL_STATUSES), count, oldestAt }), { description: 'Withdrawals that have not ended, by status' }),
    deadLetters: Type.Array(Type.Object({ class: oneOf(ERROR_CLASSES), code: oneOf(ERROR_CODES), count, oldestAt }), { description: 'What waits for a person' }),
    notStarted: Type.Object({ count, oldestAt }, { description: 'Accepted withdrawals whose workflow is not known to be started' }),
  },
  {
    $id: 'QueueList',
    examples: [
      {
        items: [queueExample],
        nextCursor: null,
        temporal: 'up',
        waiting: [{ status: 'CONFIRMING', count: 31, oldestAt: '2026-11-24T04:19:51.000Z' }],
        deadLetters: [{ class: 'unknown', code: 'SEND_REJECTED', count: 1, oldestAt: '2026-11-24T03:02:10.000Z' }],
        notStarted: { count: 0, oldestAt: null },
      },
    ],
  },
);
