import { Type, type Static } from 'typebox';
import { LISTING_STATUSES } from '../../db/schema/listed-addresses.ts';
import { nullable, oneOf } from './nullable.ts';
import { reasonSchema } from './reason.ts';
import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX } from './withdrawal.ts';
import { EMAIL_LENGTH_MAX } from '../../domain/email.ts';

/** The lists as HTTP spells them. */
const HTTP_LISTS = ['allow', 'deny'] as const;
const LABEL_LENGTH_MAX = 128;
const time = Type.String({ format: 'date-time', examples: ['2026-11-24T04:20:00.000Z'] });
const person = Type.String({ examples: ['admin@example.com'] });

const addressExample = {
  id: 12,
  list: 'allow',
  network: 'polygon-amoy',
  address: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  ownerEmail: 'user@example.com',
  label: 'Cold wallet',
  status: 'LIVE',
  inForce: true,
  proposal: null,
  reason: 'Asked for by phone, called back',
  proposedBy: 'admin@example.com',
  proposedAt: '2026-11-24T04:20:00.000Z',
  liveAt: '2026-11-24T04:25:00.000Z',
  decidedBy: 'approver@example.com',
  decidedAt: '2026-11-24T04:25:00.000Z',
  decisionReason: null,
  removal: null,
};

export const ListedAddressSchema = Type.Object(
  {
    id: Type.Integer(),
    list: oneOf(HTTP_LISTS),
    network: Type.String(),
    address: Type.String({ description: 'EIP-55' }),
    ownerEmail: nullable(Type.String({ description: 'Whose withdrawals it is for; null: everyone’s' })),
    label: nullable(Type.String()),
    status: oneOf(LISTING_STATUSES),
    inForce: Type.Boolean({ description: 'From LIVE until REMOVED: a proposed removal removes nothing yet' }),
    proposal: nullable(oneOf(['addition', 'removal'] as const, { description: 'What waits for a second admin' })),
    reason: Type.String(),
    proposedBy: nullable(person),
    proposedAt: time,
    liveAt: nullable(time),
    decidedBy: nullable(person),
    decidedAt: nullable(time),
    decisionReason: nullable(Type.String({ description: 'Why the newest proposal was rejected' })),
    removal: nullable(
      Type.Object(
        { reason: nullable(Type.String()), proposedBy: nullable(person), proposedAt: nullable(time), decidedBy: nullable(person), decidedAt: nullable(time) },
        { description: 'The newest proposal to remove it' },
      ),
    ),
  },
  { $id: 'ListedAddress', examples: [addressExample] },
);
export type ListedAddressView = Static<typeof ListedAddressSchema>;

export const ListedAddressListSchema = Type.Object({ items: Type.Array(Type.Unsafe<ListedAddressView>(Type.Ref('ListedAddress'))), nextCursor: nullable(Type.String()) }, { $id: 'ListedAddressList', examples: [{ items: [addressExample], nextCursor: null }] });

export const ListedAddressQuery = Type.Object(
  {
    list: Type.Optional(oneOf(HTTP_LISTS)),
    status: Type.Optional(oneOf(LISTING_STATUSES)),
    address: Type.Optional(Type.String({ maxLength: 64 })),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'nextCursor of the page before' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIST_LIMIT_MAX, default: LIST_LIMIT_DEFAULT })),
  },
  { additionalProperties: false },
);

export const NewListedAddressSchema = Type.Object(
  {
    list: oneOf(HTTP_LISTS),
    network: Type.String({ examples: ['polygon-amoy'] }),
    address: Type.String({ description: 'All lower case, or with its EIP-55 checksum', examples: [addressExample.address] }),
    ownerEmail: Type.Optional(Type.String({ maxLength: EMAIL_LENGTH_MAX, description: 'Whose withdrawals it is for; absent: everyone’s', examples: ['user@example.com'] })),
    label: Type.Optional(Type.String({ minLength: 1, maxLength: LABEL_LENGTH_MAX, examples: ['Cold wallet'] })),
    reason: reasonSchema('Agreed with the client'),
  },
  {
    additionalProperties: false,
    examples: [{ list: 'allow', network: 'polygon-amoy', address: addressExample.address, label: 'Cold wallet', reason: 'Agreed with the client' }],
  },
);

export const ListedAddressParams = Type.Object({ id: Type.String({ pattern: '^[1-9][0-9]{0,14}$', examples: ['12'] }) });
export const ProposalQuery = Type.Object(
  { proposal: Type.Optional(oneOf(['addition', 'removal'] as const, { description: 'What is meant. Give it when repeating a call whose answer was lost: if something else waits by now, nothing happens.' })) },
  { additionalProperties: false },
);
export const RemovalQuery = Type.Object({ reason: Type.Optional(reasonSchema('No longer used')) }, { additionalProperties: false });
