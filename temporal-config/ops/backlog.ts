import { ERROR_CLASSES } from '../../domain/errors.ts';
import { isEnd } from '../../domain/status.ts';
import { KINDS_OF } from '../queue-state.ts';
import { TASK_QUEUES, type TaskQueue } from '../task-queues.ts';
import { readArguments } from './arguments.ts';
import type { OpsCommand, OpsContext } from './command.ts';
import { OpsError } from './ops-error.ts';
import { LISTED_STATUSES, visibilityQuery, type WithdrawalFilter } from './visibility-query.ts';

interface Queue {
  pollers?: { taskQueueType: string; identity: string }[] | null;
  stats?: { taskQueueType: string; approximateBacklogCount: number; approximateBacklogAge: string; tasksAddRate: number; tasksDispatchRate: number }[] | null;
}

export const backlog: OpsCommand = {
  name: 'backlog',
  summary: 'what waits: tasks by queue, open withdrawals by status, dead letters by class',
  help: `backlog [--json]

Tasks wait for a worker: a backlog that grows, or a queue that nobody polls, means that a role is away or too slow. Withdrawals
wait for approvals, funds, the chain or a person. The counts are Temporal's, and may lag by a second.`,

  async run(args, context) {
    const { values, positionals } = readArguments(args, { json: { type: 'boolean' } });
    if (positionals.length > 0) throw new OpsError('usage', 'backlog takes no arguments (see --help)');
    const queues = await Promise.all(Object.values(TASK_QUEUES).map((taskQueue) => readQueue(context, taskQueue)));
    const open = LISTED_STATUSES.filter((status) => !isEnd(status));
    const byStatus = await countEach(context, open, (status) => ({ status, open: true }));
    const byClass = await countEach(context, ERROR_CLASSES, (deadLetterClass) => ({ status: 'DEAD_LETTERED', deadLetterClass, open: true }));
    if (values.json) {
      context.print(JSON.stringify({ queues: queues.flat(), withdrawals: byStatus, deadLetters: byClass }));
      return;
    }
    context.table(['queue', 'tasks', 'waiting', 'oldest', 'in/s', 'out/s', 'workers'], queues.flat().map((row) => [row.taskQueue, row.kind, String(row.waiting), row.oldest, row.addedPerSecond.toFixed(2), row.dispatchedPerSecond.toFixed(2), String(row.workers)]));
    context.print('');
    context.table(['withdrawals', 'open'], Object.entries(byStatus).map(([status, count]) => [status, String(count)]));
    context.print('');
    context.table(['dead letters', 'waiting'], Object.entries(byClass).map(([name, count]) => [name, String(count)]));
  },
};

async function readQueue({ temporal }: OpsContext, taskQueue: TaskQueue) {
  const { stats, pollers } = await temporal.json<Queue>(['task-queue', 'describe', '--task-queue', taskQueue]);
  return KINDS_OF[taskQueue].map((kind) => {
    const of = stats?.find(({ taskQueueType }) => taskQueueType === kind);
    const waiting = of?.approximateBacklogCount ?? 0;
    return {
      taskQueue,
      kind,
      waiting,
      oldest: waiting > 0 ? (of?.approximateBacklogAge ?? '') : '',
      addedPerSecond: of?.tasksAddRate ?? 0,
      dispatchedPerSecond: of?.tasksDispatchRate ?? 0,
      workers: (pollers ?? []).filter(({ taskQueueType }) => taskQueueType === kind).length,
    };
  });
}

async function countEach<Name extends string>({ temporal }: OpsContext, names: readonly Name[], filterOf: (name: Name) => WithdrawalFilter): Promise<Record<Name, number>> {
  const counts = await Promise.all(names.map(async (name) => [name, Number((await temporal.json<{ count?: string }>(['workflow', 'count', '--query', visibilityQuery(filterOf(name))])).count ?? 0)] as const));
  return Object.fromEntries(counts) as Record<Name, number>;
}
