import { Type, type Static } from 'typebox';
import { nullable, oneOf } from './nullable.ts';
import { PageQuery, reasonField } from './wallet.ts';

const DIRECTIONS = ['in', 'out'] as const;
const time = Type.String({ format: 'date-time', examples: ['2026-11-24T04:20:00.000Z'] });
const direction = oneOf(DIRECTIONS, { description: 'out: from the hot wallet to the counterparty; in: the other way', examples: ['out'] });

const newMovementExample = {
  direction: 'out',
  wallet: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
  currency: 'USDC',
  amount: '12000',
  counterparty: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  reason: 'to the vault',
};

/** Types only: what a string says is judged by the domain, each with a code of its own. */
export const NewMovementSchema = Type.Object(
  {
    direction,
    wallet: Type.String({ description: 'The hot wallet', examples: [newMovementExample.wallet] }),
    currency: Type.String({ examples: ['USDC'] }),
    amount: Type.String({ description: 'Token units, plain decimal, exactly as it will move', examples: ['12000'] }),
    counterparty: Type.String({ description: 'Who pays in or is paid. Another hot wallet only where its own `in` was declared before', examples: [newMovementExample.counterparty] }),
    reason: reasonField('Why'),
  },
  { additionalProperties: false, $id: 'NewMovement', examples: [newMovementExample] },
);

const movementExample = { id: 7, ...newMovementExample, declaredBy: 'account 1', declaredAt: '2026-11-24T04:20:00.000Z', state: 'open', txHash: null, explorerUrl: null, matchedAt: null };

export const MovementSchema = Type.Object(
  {
    id: Type.Integer(),
    direction,
    wallet: Type.String({ description: 'EIP-55' }),
    currency: nullable(Type.String({ description: 'null for a token the registry no longer lists' })),
    amount: nullable(Type.String({ description: 'Token units; null without a currency' })),
    counterparty: Type.String({ description: 'EIP-55' }),
    reason: Type.String(),
    declaredBy: Type.String({ description: 'The account, or who ran the command' }),
    declaredAt: time,
    state: oneOf(['open', 'matched'], { description: 'matched: a final transfer was recognised as it. An `in` is never matched' }),
    txHash: nullable(Type.String()),
    explorerUrl: nullable(Type.String()),
    matchedAt: nullable(time),
  },
  { $id: 'Movement', examples: [movementExample] },
);
export type MovementView = Static<typeof MovementSchema>;

export const MovementListSchema = Type.Object({ items: Type.Array(Type.Unsafe<MovementView>(Type.Ref('Movement'))), nextCursor: nullable(Type.String()) }, { $id: 'MovementList', examples: [{ items: [movementExample], nextCursor: null }] });

export const MovementListQuery = Type.Object({ state: Type.Optional(oneOf(['open', 'matched'])), ...PageQuery }, { additionalProperties: false });
