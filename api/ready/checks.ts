import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { sql } from 'drizzle-orm';
import type { Redis } from 'ioredis';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Database } from '../../db/client.ts';
import { TASK_QUEUES, type TaskQueue } from '../../temporal-config/task-queues.ts';
import type { Books } from '../books.ts';
import type { DependencyName } from '../schemas/readiness.ts';

/** Resolves to a detail worth showing, or nothing; rejects when the dependency is down. */
export type Check = () => Promise<string | undefined>;

const { TaskQueueType } = proto.temporal.api.enums.v1;
type TaskQueueType = proto.temporal.api.enums.v1.TaskQueueType;

/**
 * A worker's poll is held for up to 60 s and seen when it begins, so an idle worker may look as old as that. A little
 * more, for the way there and back.
 */
const POLLER_AGE_MS_MAX = 70_000;

/** Where the block follower of a chain says what it has seen: JSON, with an expiry, so that silence shows. */
export function chainHeadKey(chainId: number): string {
  return `chain:${chainId}:head`;
}

const ChainHeadSchema = Type.Object({ number: Type.Integer({ minimum: 0 }), hash: Type.String(), timestampMs: Type.Number() });

/** Every check gives up by itself after `timeoutMs`, so that none piles up behind a server that never answers. */
export function createChecks(deps: { database: Database; redis: Redis; temporal: Client; books: Books; chainId: number; timeoutMs: number }): Record<DependencyName, Check> {
  const askTemporal = <T>(ask: () => Promise<T>): Promise<T> => deps.temporal.withDeadline(Date.now() + deps.timeoutMs, ask);
  const pollersOf = (taskQueue: TaskQueue, type: TaskQueueType) => () => askTemporal(() => pollers(deps.temporal, taskQueue, type));
  return {
    database: async () => {
      await deps.database.execute(sql`SELECT 1`);
      return undefined;
    },
    redis: async () => {
      await deps.redis.ping();
      return undefined;
    },
    temporal: async () => {
      await askTemporal(() => deps.temporal.workflowService.describeNamespace({ namespace: deps.temporal.options.namespace }));
      return undefined;
    },
    chain: async () => {
      const text = await deps.redis.get(chainHeadKey(deps.chainId));
      if (text === null) throw new Error('no new block has been seen lately');
      const head: unknown = JSON.parse(text);
      if (!Value.Check(ChainHeadSchema, head)) throw new Error('the last block seen cannot be read');
      return `block ${head.number}`;
    },
    books: async () => {
      await deps.books.assertOpen();
      return undefined;
    },
    'withdrawal-worker': pollersOf(TASK_QUEUES.withdrawals, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
    'signing-service': pollersOf(TASK_QUEUES.signing, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
    'tx-broadcaster': pollersOf(TASK_QUEUES.broadcast, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
    'tx-monitor': pollersOf(TASK_QUEUES.monitor, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
  };
}

async function pollers(temporal: Client, taskQueue: TaskQueue, taskQueueType: TaskQueueType): Promise<string> {
  const answer = await temporal.workflowService.describeTaskQueue({ namespace: temporal.options.namespace, taskQueue: { name: taskQueue }, taskQueueType });
  const oldest = Date.now() - POLLER_AGE_MS_MAX;
  const alive = (answer.pollers ?? []).filter((poller) => Number(poller.lastAccessTime?.seconds ?? 0) * 1_000 >= oldest);
  if (alive.length === 0) throw new Error('no worker polls its task queue');
  return alive.length === 1 ? '1 poller' : `${alive.length} pollers`;
}
