import { Type, type Static } from 'typebox';
import { oneOf } from './nullable.ts';

const DependencySchema = Type.Object({ status: oneOf(['up', 'down']), detail: Type.Optional(Type.String()) });

/** What the engine needs to pay. Without the database, or while `books` is down (a recovery is due), nothing is accepted; without any other, withdrawals wait. */
export const ReadinessSchema = Type.Object(
  {
    status: oneOf(['ready', 'degraded', 'unavailable'], { description: 'ready: all are up. unavailable: the database is down.' }),
    dependencies: Type.Object({
      database: DependencySchema,
      redis: DependencySchema,
      temporal: DependencySchema,
      chain: DependencySchema,
      books: DependencySchema,
      'withdrawal-worker': DependencySchema,
      'signing-service': DependencySchema,
      'tx-broadcaster': DependencySchema,
      'tx-monitor': DependencySchema,
    }),
  },
  {
    $id: 'Readiness',
    examples: [
      {
        status: 'degraded',
        dependencies: {
          database: { status: 'up' },
          redis: { status: 'up' },
          temporal: { status: 'up' },
          chain: { status: 'up', detail: 'block 1207' },
          books: { status: 'up' },
          'withdrawal-worker': { status: 'up', detail: '1 poller' },
          'signing-service': { status: 'down', detail: 'no worker polls its task queue' },
          'tx-broadcaster': { status: 'up', detail: '1 poller' },
          'tx-monitor': { status: 'up', detail: '1 poller' },
        },
      },
    ],
  },
);
export type Readiness = Static<typeof ReadinessSchema>;
export type DependencyName = keyof Readiness['dependencies'];
export type DependencyState = Readiness['dependencies']['database'];
