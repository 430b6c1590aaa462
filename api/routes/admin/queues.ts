import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Client } from '@temporalio/client';
import type { Database } from '../../../db/client.ts';
import { countNotStarted, countOpenByStatus, countOpenDeadLetters } from '../../../db/repositories/withdrawals/waiting.ts';
import { isErrorCode } from '../../../domain/errors.ts';
import { WITHDRAWAL_STATUSES } from '../../../domain/status.ts';
import { READERS } from '../../access.ts';
import { readQueueStates, type QueueState } from '../../../temporal-config/queue-state.ts';
import { TASK_QUEUES, type TaskQueue } from '../../../temporal-config/task-queues.ts';
import { QueueListSchema, type QueueView } from '../../schemas/queues.ts';

const TEMPORAL_TIMEOUT_MS = 1_500;

const ROLE_OF: Record<TaskQueue, string> = {
  [TASK_QUEUES.withdrawals]: 'withdrawal-worker',
  [TASK_QUEUES.signing]: 'signing-service',
  [TASK_QUEUES.broadcast]: 'tx-broadcaster',
  [TASK_QUEUES.monitor]: 'tx-monitor',
  [TASK_QUEUES.notifications]: 'withdrawal-worker',
};

/**
 * `GET /admin/queues`: where work waits. While Temporal is away the database's part is answered all the same: that is when an
 * operator most wants to know what waits.
 */
export const queues: FastifyPluginAsyncTypebox<{ database: Database; temporal: Client }> = async (app, { database, temporal }) => {
  app.get(
    '/admin/queues',
    {
      schema: {
        tags: ['admin'],
        summary: 'Task queues, waiting withdrawals and dead letters',
        description: 'Each task queue with its backlog, the age of its oldest task, its rates and its workers; withdrawals that have not ended; what waits for a person.',
        security: [{ bearer: [] }],
        response: { 200: QueueListSchema },
      },
      config: { access: { who: READERS } },
    },
    async (request) => {
      const states = readQueueStates(temporal, TEMPORAL_TIMEOUT_MS).catch((error: unknown) => {
        request.log.warn({ error }, 'the task queues could not be read');
        return null;
      });
      const [read, waiting, deadLetters, notStarted] = await Promise.all([states, countOpenByStatus(database), countOpenDeadLetters(database), countNotStarted(database)]);
      return {
        items: (read ?? []).map(queueView),
        nextCursor: null,
        temporal: read === null ? ('unavailable' as const) : ('up' as const),
        waiting: waiting.map(shown).toSorted((left, right) => WITHDRAWAL_STATUSES.indexOf(left.status) - WITHDRAWAL_STATUSES.indexOf(right.status)),
        deadLetters: deadLetters.map((row) => shown({ ...row, code: isErrorCode(row.code) ? row.code : ('INTERNAL' as const) })),
        notStarted: shown(notStarted),
      };
    },
  );
};

function queueView({ taskQueue, pollers, ...state }: QueueState): QueueView {
  return { ...state, taskQueue, role: ROLE_OF[taskQueue], pollers: pollers.map(({ identity, lastAccessAt }) => ({ identity, lastAccessAt: lastAccessAt.toISOString() })) };
}

const shown = <Row extends { oldestAt: Date | null }>(row: Row) => ({ ...row, oldestAt: row.oldestAt?.toISOString() ?? null });
