import { Type, type Static, type TProperties } from 'typebox';
import { WITHDRAWAL_STATUSES } from '../../domain/status.ts';
import { nullable, oneOf } from './nullable.ts';
import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX, withdrawalDetailExample, WithdrawalDetailSchema, withdrawalExample, WithdrawalSchema } from './withdrawal.ts';

const operatorFields = {
  ownerId: Type.Integer({ description: 'Who asked for it', examples: [7] }),
  signer: nullable(Type.String({ description: 'The hot wallet that pays, EIP-55; null until funds are reserved' })),
  nonce: nullable(Type.Integer({ description: 'The nonce it holds, or held last; null while it has none' })),
  attemptCount: Type.Integer({ description: 'Transactions signed for it, on all its nonces' }),
  errorDetail: nullable(Type.String({ description: 'Technical, not translated' })),
} satisfies TProperties;

const operatorExample = { ownerId: 7, signer: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266', nonce: 41, attemptCount: 1, errorDetail: null };

/** A withdrawal as an operator sees it. */
export const AdminTransactionSchema = Type.Object({ ...WithdrawalSchema.properties, ...operatorFields }, { $id: 'AdminTransaction', examples: [{ ...withdrawalExample, ...operatorExample }] });
export type AdminTransactionView = Static<typeof AdminTransactionSchema>;

export const AdminTransactionDetailSchema = Type.Object(
  { ...WithdrawalDetailSchema.properties, ...operatorFields },
  { $id: 'AdminTransactionDetail', examples: [{ ...withdrawalDetailExample, ...operatorExample }] },
);

export const AdminTransactionListSchema = Type.Object(
  { items: Type.Array(Type.Unsafe<AdminTransactionView>(Type.Ref('AdminTransaction'))), nextCursor: nullable(Type.String()) },
  { $id: 'AdminTransactionList', examples: [{ items: [{ ...withdrawalExample, ...operatorExample }], nextCursor: null }] },
);

const time = (description: string) => Type.String({ format: 'date-time', description, examples: ['2026-11-24T00:00:00.000Z'] });

/** What a search may ask for; everything given must hold. */
export const AdminTransactionQuery = Type.Object(
  {
    requestId: Type.Optional(Type.String({ minLength: 1, maxLength: 64, examples: ['tx-1795494000000-0123456789abcdef0123'] })),
    txHash: Type.Optional(Type.String({ pattern: '^0x[0-9a-fA-F]{64}$', description: 'Of any of its transactions, or of the one that paid' })),
    address: Type.Optional(Type.String({ maxLength: 42, description: 'The recipient' })),
    status: Type.Optional(oneOf(WITHDRAWAL_STATUSES)),
    signer: Type.Optional(Type.String({ maxLength: 42, description: 'The hot wallet that pays' })),
    nonce: Type.Optional(Type.Integer({ minimum: 0, description: 'Of the signer, or of any hot wallet' })),
    currency: Type.Optional(Type.String({ minLength: 1, maxLength: 16, examples: ['USDC'] })),
    ownerId: Type.Optional(Type.Integer({ minimum: 1 })),
    from: Type.Optional(time('Accepted at or after')),
    to: Type.Optional(time('Accepted before')),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'nextCursor of the page before' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIST_LIMIT_MAX, default: LIST_LIMIT_DEFAULT })),
  },
  { additionalProperties: false },
);
