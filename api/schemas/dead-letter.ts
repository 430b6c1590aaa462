import { Type, type Static } from 'typebox';
import { ACTION_REFUSALS, DEAD_LETTER_ACTIONS } from '../../domain/dead-letters.ts';
import { ERROR_CLASSES, ERROR_CODES } from '../../domain/errors.ts';
import { RETRY_PROFILES, type RetryProfileName } from '../../domain/retry-profiles.ts';
import { NONCE_STATES } from '../../domain/status.ts';
import { nullable, oneOf } from './nullable.ts';
import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX, withdrawalExample, type WithdrawalView } from './withdrawal.ts';

const time = Type.String({ format: 'date-time', examples: ['2026-11-24T04:20:00.000Z'] });
const code = oneOf(ERROR_CODES, { examples: ['KEY_INVALID'] });
const errorClass = oneOf(ERROR_CLASSES, { examples: ['unknown'] });
const RETRY_PROFILE_NAMES = Object.keys(RETRY_PROFILES) as RetryProfileName[];
const currency = Type.String({ minLength: 1, maxLength: 16, examples: ['USDC'] });

const deadLetterExample = {
  id: 12,
  requestId: withdrawalExample.requestId,
  code: 'KEY_INVALID',
  class: 'unknown',
  retryProfile: 'few-tries',
  reason: 'KEY_INVALID (reason=does-not-open)',
  advice: {
    cause: 'The signing key of the wallet is missing, does not open under the key-encryption key, or belongs to another address.',
    nextStep: 'Restore the secret or the key-encryption key and check it with "npm run keys -- show-address", then retry.',
  },
  parkedAt: '2026-11-24T04:20:09.412Z',
  ageSeconds: 5_400,
  escalations: 2,
  escalatedAt: '2026-11-24T05:35:09.500Z',
  retrySaidAt: null,
  retrySaidBy: null,
  resolvedAt: null,
  resolution: null,
  holds: { livePayment: false, nonce: null },
  actions: DEAD_LETTER_ACTIONS.map((action) => ({ action, possible: true, reason: null })),
  withdrawal: { ...withdrawalExample, status: 'DEAD_LETTERED', outcome: 'NOT_SENT', txHash: null, explorerUrl: null, errorCode: 'KEY_INVALID', errorMessage: 'The signing key did not pass a check. An operator is looking at it.', completedAt: null },
};

export const DeadLetterSchema = Type.Object(
  {
    id: Type.Integer(),
    requestId: Type.String(),
    code,
    class: errorClass,
    retryProfile: nullable(oneOf(RETRY_PROFILE_NAMES, { description: 'How it was tried again before a person was asked', examples: ['few-tries'] })),
    reason: Type.String({ description: 'Technical, not translated' }),
    advice: Type.Object({ cause: Type.String(), nextStep: Type.String() }, { description: 'In the language of the caller' }),
    parkedAt: time,
    ageSeconds: Type.Integer({ description: 'How long it has waited, or did' }),
    escalations: Type.Integer({ description: 'How often people were reminded' }),
    escalatedAt: nullable(time),
    retrySaidAt: nullable(Type.String({ format: 'date-time', description: 'Its workflow was told of a retry; a voiding transaction may still be waited for' })),
    retrySaidBy: nullable(Type.Integer({ description: 'The account that said it' })),
    resolvedAt: nullable(time),
    resolution: nullable(Type.String({ description: 'RETRIED, or the end it reached', examples: ['RETRIED'] })),
    holds: Type.Object({
      livePayment: Type.Boolean({ description: 'A signed payment may be on the chain, or was and is not what was asked' }),
      nonce: Type.Unsafe<{ nonce: number; signer: string; state: (typeof NONCE_STATES)[number] } | null>({
        type: ['object', 'null'],
        required: ['nonce', 'signer', 'state'],
        properties: { nonce: { type: 'integer' }, signer: { type: 'string' }, state: { type: 'string', enum: [...NONCE_STATES] } },
      }),
    }),
    actions: Type.Array(
      Type.Object({
        action: oneOf(DEAD_LETTER_ACTIONS),
        possible: Type.Boolean(),
        reason: nullable(oneOf(ACTION_REFUSALS, { description: 'Why it is not possible now' })),
      }),
    ),
    withdrawal: Type.Unsafe<WithdrawalView>(Type.Ref('Withdrawal')),
  },
  { $id: 'DeadLetter', examples: [deadLetterExample] },
);
export type DeadLetterView = Static<typeof DeadLetterSchema>;

export const DeadLetterListSchema = Type.Object(
  { items: Type.Array(Type.Unsafe<DeadLetterView>(Type.Ref('DeadLetter'))), nextCursor: nullable(Type.String()) },
  { $id: 'DeadLetterList', examples: [{ items: [deadLetterExample], nextCursor: null }] },
);

const closed = { additionalProperties: false };

export const DeadLetterQuery = Type.Object(
  {
    state: Type.Optional(oneOf(['open', 'resolved'], { default: 'open', description: 'open: those that wait for a person' })),
    class: Type.Optional(errorClass),
    code: Type.Optional(code),
    currency: Type.Optional(currency),
    olderThanSeconds: Type.Optional(Type.Integer({ minimum: 0, description: 'Parked longer ago than this' })),
    from: Type.Optional(Type.String({ maxLength: 40, description: 'Parked at or after', examples: ['2026-11-24T00:00:00Z'] })),
    to: Type.Optional(Type.String({ maxLength: 40, description: 'Parked before', examples: ['2026-11-25T00:00:00Z'] })),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'nextCursor of the page before' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIST_LIMIT_MAX, default: LIST_LIMIT_DEFAULT })),
  },
  closed,
);

/** So many letters one call answers at most: each is a signal, and the caller waits. */
export const BULK_RETRY_MAX = 500;

export const BulkRetryBodySchema = Type.Object(
  {
    filter: Type.Object(
      {
        all: Type.Optional(Type.Literal(true, { description: 'Every open dead letter. Nothing else may be given then.' })),
        class: Type.Optional(errorClass),
        code: Type.Optional(code),
        currency: Type.Optional(currency),
        parkedAfter: Type.Optional(Type.String({ maxLength: 40, description: 'Parked at or after', examples: ['2026-11-24T00:00:00Z'] })),
        parkedBefore: Type.Optional(Type.String({ maxLength: 40, examples: ['2026-11-25T00:00:00Z'] })),
        requestIds: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { minItems: 1, maxItems: 100 })),
      },
      { ...closed, description: 'Everything given must hold. An empty filter is refused: say all.' },
    ),
    dryRun: Type.Optional(Type.Boolean({ default: false, description: 'Only say which ones' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: BULK_RETRY_MAX, default: BULK_RETRY_MAX, description: 'Those that have waited longest' })),
  },
  { ...closed, $id: 'BulkRetry', examples: [{ filter: { code: 'KEY_INVALID', parkedBefore: '2026-11-24T05:00:00Z' }, dryRun: true }] },
);
export type BulkRetryBody = Static<typeof BulkRetryBodySchema>;

export const BulkRetryAnswerSchema = Type.Object(
  {
    dryRun: Type.Boolean(),
    matched: Type.Integer({ description: 'Open dead letters the filter fits, at most limit' }),
    retried: Type.Integer({ description: 'Those whose workflow was told; in a dry run those that would be' }),
    requestIds: Type.Array(Type.String(), { description: 'The retried ones' }),
    skipped: Type.Array(Type.Object({ requestId: Type.String(), reason: Type.String({ examples: ['money-moved'] }) })),
    more: Type.Boolean({ description: 'The filter fits more than limit: call again' }),
  },
  { $id: 'BulkRetryAnswer', examples: [{ dryRun: false, matched: 2, retried: 1, requestIds: [withdrawalExample.requestId], skipped: [{ requestId: 'tx-1795494000001-0123456789abcdef0123', reason: 'money-moved' }], more: false }] },
);
export type BulkRetryAnswer = Static<typeof BulkRetryAnswerSchema>;

export const MarkPaidBodySchema = Type.Object(
  { txHash: Type.String({ pattern: '^0x[0-9a-fA-F]{64}$', description: 'The transaction that paid', examples: [withdrawalExample.txHash] }) },
  { ...closed, $id: 'MarkPaid', examples: [{ txHash: withdrawalExample.txHash }] },
);
