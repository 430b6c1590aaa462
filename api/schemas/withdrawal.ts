import { Type, type Static } from 'typebox';
import { APPROVAL_DECISIONS } from '../../domain/approvals.ts';
import { ERROR_CODES } from '../../domain/errors.ts';
import { NETWORK_NAMES } from '../../domain/networks.ts';
import { ATTEMPT_PURPOSES, ATTEMPT_STATUSES, CANCELLATION_RESULTS, OUTCOMES, WITHDRAWAL_STATUSES } from '../../domain/status.ts';
import { nullable, oneOf } from './nullable.ts';

const time = Type.String({ format: 'date-time', examples: ['2026-11-24T04:20:00.000Z'] });
const hash = Type.String({ examples: ['0x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'] });
const wei = Type.String({ description: 'wei', examples: ['25000000000'] });

const OutcomeDetailSchema = Type.Object(
  {
    nonce: Type.Integer({ description: 'Of the wallet that pays: at most one transaction on it is ever mined', examples: [41] }),
    signer: Type.String({ description: 'The hot wallet, EIP-55' }),
    hashes: Type.Array(hash, { description: 'Signed payments that may be on the chain, oldest first: one of them at most' }),
    lastSent: nullable(Type.String({ format: 'date-time', description: 'When the newest transaction on that nonce was first handed to a node; null: none was' })),
    settledWhen: oneOf(['final-block', 'voided', 'person'], {
      description:
        'final-block: once a block with that nonce is final. voided: the same, while a transaction that pays nothing competes for the nonce. person: the chain has ruled, but not as asked, and an operator ends it.',
    }),
  },
  { description: 'Only while the outcome is UNKNOWN: what is known, and what settles it.' },
);
export type OutcomeDetailView = Static<typeof OutcomeDetailSchema>;

const withdrawalFields = {
  requestId: Type.String({ examples: ['tx-1795494000000-0123456789abcdef0123'] }),
  status: oneOf(WITHDRAWAL_STATUSES, { description: 'COMPLETED, FAILED, REJECTED and CANCELLED are ends.' }),
  outcome: oneOf(OUTCOMES, { description: 'What is known of the money. UNKNOWN: it may be on the chain; never submit it again.' }),
  outcomeNote: Type.Optional(Type.String({ description: 'Only while the outcome is UNKNOWN: when it will be settled.' })),
  outcomeDetail: Type.Optional(OutcomeDetailSchema),
  amount: Type.String({ description: 'Token units', examples: ['12.5'] }),
  currency: Type.String({ examples: ['USDC'] }),
  toAddress: Type.String({ description: 'EIP-55' }),
  tokenAddress: nullable(Type.String({ description: 'EIP-55; null for the native coin' })),
  network: oneOf(NETWORK_NAMES),
  txHash: nullable(Type.String({ description: 'The newest paying transaction, or the one that paid' })),
  explorerUrl: nullable(Type.String()),
  errorCode: nullable(oneOf(ERROR_CODES)),
  errorMessage: nullable(Type.String()),
  retryable: Type.Boolean({ description: 'Nothing was paid and nothing will be, and the same withdrawal may succeed under a new Idempotency-Key.' }),
  cancellation: Type.Optional(
    Type.Object(
      {
        requestedAt: time,
        result: oneOf(CANCELLATION_RESULTS, { description: 'pending: not settled yet; cancelled: nothing was paid; paid-first: the payment was mined before; failed-first: it had failed before, nothing was paid.' }),
      },
      { description: 'Only once somebody asked to cancel it.' },
    ),
  ),
  createdAt: time,
  updatedAt: time,
  completedAt: nullable(time),
};

export const withdrawalExample = {
  requestId: 'tx-1795494000000-0123456789abcdef0123',
  status: 'COMPLETED',
  outcome: 'PAID',
  amount: '12.5',
  currency: 'USDC',
  toAddress: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  tokenAddress: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
  network: 'polygon-amoy',
  txHash: '0x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  explorerUrl: 'https://amoy.polygonscan.com/tx/0x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  errorCode: null,
  errorMessage: null,
  retryable: false,
  createdAt: '2026-11-24T04:20:00.000Z',
  updatedAt: '2026-11-24T04:20:09.412Z',
  completedAt: '2026-11-24T04:20:09.412Z',
};

const attemptExample = {
  hash: withdrawalExample.txHash,
  nonce: 41,
  status: 'CONFIRMED',
  purpose: 'PAY',
  explorerUrl: withdrawalExample.explorerUrl,
  retryCount: 0,
  maxFeePerGas: '60000000000',
  maxPriorityFeePerGas: '25000000000',
  gasLimit: '84500',
  signedAt: '2026-11-24T04:20:01.020Z',
  broadcastedAt: '2026-11-24T04:20:01.093Z',
  confirmedAt: '2026-11-24T04:20:09.398Z',
};

const timelineExample = { id: 1207, type: 'accepted', status: 'PENDING', detail: {}, at: '2026-11-24T04:20:00.000Z' };

export const AttemptSchema = Type.Object(
  {
    hash,
    nonce: Type.Integer(),
    status: oneOf(ATTEMPT_STATUSES),
    purpose: oneOf(ATTEMPT_PURPOSES, { description: 'PAY pays the recipient; VOID uses the nonce up and pays nobody.' }),
    explorerUrl: Type.String(),
    retryCount: Type.Integer({ description: 'How often the same bytes were sent again' }),
    maxFeePerGas: wei,
    maxPriorityFeePerGas: wei,
    gasLimit: Type.String({ examples: ['84500'] }),
    signedAt: time,
    broadcastedAt: nullable(time),
    confirmedAt: nullable(time),
  },
  { $id: 'Attempt', examples: [attemptExample] },
);
export type AttemptView = Static<typeof AttemptSchema>;

export const TimelineEntrySchema = Type.Object(
  {
    id: Type.Integer(),
    type: Type.String({ examples: ['accepted'] }),
    status: nullable(oneOf(WITHDRAWAL_STATUSES, { description: 'The status entered; null when it did not change' })),
    detail: Type.Unsafe<Record<string, string | number | null>>({ type: 'object', additionalProperties: { type: ['string', 'number', 'null'] } }),
    at: time,
  },
  { $id: 'TimelineEntry', examples: [timelineExample] },
);
export type TimelineEntryView = Static<typeof TimelineEntrySchema>;

const approvalsExample = {
  required: 2,
  deadline: '2026-11-25T04:20:00.000Z',
  approvedAt: null,
  given: [{ approver: { id: 2, email: 'approver@example.com' }, decision: 'APPROVE', reason: null, at: '2026-11-24T04:22:10.007Z' }],
};

export const ApprovalsSchema = Type.Object(
  {
    required: Type.Integer({ description: 'Distinct people who must approve' }),
    deadline: nullable(Type.String({ format: 'date-time', description: 'Without enough approvals by then it is rejected.' })),
    approvedAt: nullable(Type.String({ format: 'date-time', description: 'When enough had approved' })),
    given: Type.Array(
      Type.Object({
        approver: Type.Unsafe<{ id: number; email: string | null } | null>({
          type: ['object', 'null'],
          properties: { id: { type: 'integer' }, email: { type: ['string', 'null'] } },
          required: ['id', 'email'],
          description: 'Shown to operators only',
        }),
        decision: oneOf(APPROVAL_DECISIONS),
        reason: nullable(Type.String({ description: 'Of a rejection; shown to operators only' })),
        at: time,
      }),
      { description: 'Oldest first.' },
    ),
  },
  { $id: 'Approvals', description: 'Only where the policy asks for approvals.', examples: [approvalsExample] },
);
export type ApprovalsView = Static<typeof ApprovalsSchema>;

export const WithdrawalSchema = Type.Object(withdrawalFields, { $id: 'Withdrawal', examples: [withdrawalExample] });
export type WithdrawalView = Static<typeof WithdrawalSchema>;

export const withdrawalDetailExample = { ...withdrawalExample, attempts: [attemptExample], timeline: [timelineExample] };

export const WithdrawalDetailSchema = Type.Object(
  {
    ...withdrawalFields,
    waitingFor: Type.Optional(
      Type.Object(
        { what: oneOf(['token', 'gas']), since: time, until: { ...time, description: 'About when it fails with INSUFFICIENT_BALANCE if nobody funds a wallet' } },
        { description: 'Only while AWAITING_FUNDS: what no wallet has enough of' },
      ),
    ),
    approvals: Type.Optional(Type.Unsafe<ApprovalsView>(Type.Ref('Approvals'))),
    attempts: Type.Array(Type.Unsafe<AttemptView>(Type.Ref('Attempt')), { description: 'Oldest first. All on one nonce pay the same, or nothing.' }),
    timeline: Type.Array(Type.Unsafe<TimelineEntryView>(Type.Ref('TimelineEntry')), { description: 'Oldest first.' }),
  },
  { $id: 'WithdrawalDetail', examples: [withdrawalDetailExample] },
);
export type WithdrawalDetailView = Static<typeof WithdrawalDetailSchema>;

export const WithdrawalListSchema = Type.Object({ items: Type.Array(Type.Unsafe<WithdrawalView>(Type.Ref('Withdrawal'))), nextCursor: nullable(Type.String()) }, { $id: 'WithdrawalList', examples: [{ items: [withdrawalExample], nextCursor: null }] });

/** Types only: what a string says (amount, address, currency, network) is judged by the domain, each with a code of its own. */
export const NewWithdrawalSchema = Type.Object(
  {
    amount: Type.String({ description: 'Token units, plain decimal; never a JSON number', examples: ['12.5'] }),
    currency: Type.String({ examples: ['USDC'] }),
    toAddress: Type.String({ description: 'All lower case, or with its EIP-55 checksum', examples: ['0x70997970C51812dc3A010C7d01b50e0d17dc79C8'] }),
    network: Type.String({ examples: ['polygon-amoy'] }),
  },
  {
    additionalProperties: false,
    $id: 'NewWithdrawal',
    examples: [{ amount: '12.5', currency: 'USDC', toAddress: withdrawalExample.toAddress, network: 'polygon-amoy' }],
  },
);
export type NewWithdrawalBody = Static<typeof NewWithdrawalSchema>;

/** Without blanks behind it: with them it would be the same id to the database, and another to Temporal. */
const requestIdInPath = Type.String({ pattern: '[^ ]$', description: 'The requestId', examples: ['tx-1795494000000-0123456789abcdef0123'] });
export const RequestIdParams = Type.Object({ requestId: requestIdInPath });
export const TransactionIdParams = Type.Object({ id: requestIdInPath });

export const WithdrawalRejectionSchema = Type.Object(
  { reason: Type.String({ minLength: 1, maxLength: 255, pattern: '\\S', description: 'For other operators; the owner does not see it', examples: ['the recipient could not be verified'] }) },
  { additionalProperties: false, $id: 'WithdrawalRejection', examples: [{ reason: 'the recipient could not be verified' }] },
);

export const LIST_LIMIT_MAX = 100;
export const LIST_LIMIT_DEFAULT = 20;
export const WithdrawalListQuery = Type.Object(
  {
    status: Type.Optional(oneOf(WITHDRAWAL_STATUSES)),
    currency: Type.Optional(Type.String({ minLength: 1, maxLength: 16 })),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'nextCursor of the page before' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIST_LIMIT_MAX, default: LIST_LIMIT_DEFAULT })),
  },
  { additionalProperties: false },
);
