import { Type, type Static } from 'typebox';
import { ERROR_CODES } from '../../domain/errors.ts';
import { WITHDRAWAL_STATUSES } from '../../domain/status.ts';
import { nullable, oneOf } from './nullable.ts';

const time = Type.String({ format: 'date-time' });
const count = Type.Integer({ minimum: 0 });
const ms = nullable(Type.Number({ description: 'Milliseconds; null when nothing was counted' }));

const latency = (description: string) => Type.Object({ count, medianMs: ms, p95Ms: ms, p99Ms: ms, maxMs: ms }, { description });
const volume = (description: string) => Type.Object({ count, amount: Type.String({ description: 'Token units' }) }, { description });

const latencyExample = { count: 981, medianMs: 8_912, p95Ms: 17_214, p99Ms: 24_310, maxMs: 41_880 };
const partExample = { count: 981, medianMs: 402, p95Ms: 880, p99Ms: 1_214, maxMs: 2_104 };
const statusesExample = Object.fromEntries(WITHDRAWAL_STATUSES.map((status) => [status, status === 'COMPLETED' ? 981 : status === 'FAILED' ? 9 : status === 'CONFIRMING' ? 10 : 0]));

export const StatsSchema = Type.Object(
  {
    from: time,
    to: time,
    accepted: Type.Integer({ description: 'Withdrawals accepted in the window; all that follows is about them' }),
    statuses: Type.Unsafe<Record<string, number>>({ type: 'object', description: 'How many stand where now', properties: Object.fromEntries(WITHDRAWAL_STATUSES.map((status) => [status, count])), required: [...WITHDRAWAL_STATUSES] }),
    successRate: nullable(Type.Number({ minimum: 0, maximum: 1, description: 'Of those that ended, the share that was paid; null while none has ended' })),
    errors: Type.Array(Type.Object({ code: oneOf(ERROR_CODES), status: oneOf(WITHDRAWAL_STATUSES), count }), { description: 'Of those that were not paid, most frequent first' }),
    latencies: Type.Object(
      {
        total: latency('From accepted to final'),
        acceptedToSigned: latency('Until its first attempt was signed'),
        signedToSent: latency('Until a node had one'),
        sentToFinal: latency('Until the chain had finally ruled'),
      },
      { description: 'Of completed withdrawals. Quantiles are less than 2 % off, the longest is exact.' },
    ),
    volumes: Type.Array(Type.Object({ currency: Type.String(), accepted: volume('All'), paid: volume('Completed') })),
    gas: Type.Object({ currency: Type.String(), amount: Type.String({ description: 'Units of the native coin' }) }, { description: 'What left the wallets as gas for them, paying or voiding' }),
  },
  {
    $id: 'Stats',
    examples: [
      {
        from: '2026-11-23T04:20:00.000Z',
        to: '2026-11-24T04:20:00.000Z',
        accepted: 1_000,
        statuses: statusesExample,
        successRate: 0.9909090909090909,
        errors: [{ code: 'INSUFFICIENT_BALANCE', status: 'FAILED', count: 9 }],
        latencies: { total: latencyExample, acceptedToSigned: partExample, signedToSent: partExample, sentToFinal: latencyExample },
        volumes: [{ currency: 'USDC', accepted: { count: 1_000, amount: '50120.5' }, paid: { count: 981, amount: '49230.25' } }],
        gas: { currency: 'POL', amount: '1.2753' },
      },
    ],
  },
);
export type StatsView = Static<typeof StatsSchema>;

export const StatsQuery = Type.Object(
  {
    from: Type.Optional(Type.String({ format: 'date-time', description: 'Accepted at or after; a day before `to` when absent', examples: ['2026-11-23T00:00:00.000Z'] })),
    to: Type.Optional(Type.String({ format: 'date-time', description: 'Accepted before; now when absent. At most 31 days after `from`', examples: ['2026-11-24T00:00:00.000Z'] })),
  },
  { additionalProperties: false },
);
