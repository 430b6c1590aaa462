import { Type, type Static } from 'typebox';
import { ALERT_KINDS } from '../../domain/alerts.ts';
import { nullable, oneOf } from './nullable.ts';
import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX } from './withdrawal.ts';

const time = Type.String({ format: 'date-time', examples: ['2026-11-24T04:20:00.000Z'] });
const kind = oneOf(ALERT_KINDS, { examples: ['WITHDRAWAL_PARKED'] });

const alertExample = {
  id: 31,
  kind: 'WITHDRAWAL_PARKED',
  chainId: 80002,
  subject: 'tx-1795494000000-0123456789abcdef0123',
  detail: { code: 'KEY_INVALID', reason: 'KEY_INVALID (reason=does-not-open)' },
  timesSeen: 1,
  raisedAt: '2026-11-24T04:20:09.412Z',
  seenAt: '2026-11-24T04:20:09.412Z',
  resolvedAt: null,
};

export const AlertSchema = Type.Object(
  {
    id: Type.Integer(),
    kind,
    chainId: Type.Integer({ examples: [80002] }),
    subject: Type.String({ description: 'What it is about: a wallet, a requestId, a transaction' }),
    detail: Type.Unsafe<Record<string, string | number | null>>({ type: 'object', additionalProperties: { type: ['string', 'number', 'null'] } }),
    timesSeen: Type.Integer({ description: 'How often it was seen while open' }),
    raisedAt: time,
    seenAt: time,
    resolvedAt: nullable(time),
  },
  { $id: 'Alert', examples: [alertExample] },
);
export type AlertView = Static<typeof AlertSchema>;

export const AlertListSchema = Type.Object({ items: Type.Array(Type.Unsafe<AlertView>(Type.Ref('Alert'))), nextCursor: nullable(Type.String()) }, { $id: 'AlertList', examples: [{ items: [alertExample], nextCursor: null }] });

export const AlertQuery = Type.Object(
  {
    state: Type.Optional(oneOf(['open', 'resolved'], { default: 'open' })),
    kind: Type.Optional(kind),
    subject: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'nextCursor of the page before' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIST_LIMIT_MAX, default: LIST_LIMIT_DEFAULT })),
  },
  { additionalProperties: false },
);
