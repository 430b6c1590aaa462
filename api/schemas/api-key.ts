import { Type, type Static } from 'typebox';
import { DEFAULT_SCOPES, SCOPES } from '../../domain/scopes.ts';
import { nullable, oneOf } from './nullable.ts';

const time = Type.String({ format: 'date-time', examples: ['2026-11-24T04:20:00.000Z'] });
const name = Type.String({ minLength: 1, maxLength: 100, description: 'For people', examples: ['payout service'] });
const scopes = Type.Array(oneOf(SCOPES), {
  minItems: 1,
  uniqueItems: true,
  maxItems: SCOPES.length,
  description: `What the key may do, each by itself; left out: ${DEFAULT_SCOPES.map((scope) => `\`${scope}\``).join(', ')}. It acts for its owner's own withdrawals, also when the owner is an ADMIN.`,
});
const ipAllowlist = Type.Array(Type.String({ minLength: 1, maxLength: 43 }), { minItems: 1, maxItems: 20, description: 'Addresses and networks (CIDR, IPv4 or IPv6) it may be used from; left out: any', examples: [['192.0.2.0/24']] });

const apiKeyExample = {
  id: 4,
  keyId: 'ak_0123456789abcdef0123456789abcdef',
  name: 'payout service',
  scopes: ['withdrawals:read', 'withdrawals:create'],
  ipAllowlist: ['192.0.2.0/24'],
  createdAt: '2026-11-24T04:20:00.000Z',
  expiresAt: '2027-11-24T00:00:00.000Z',
  revokedAt: null,
  lastUsedAt: '2026-11-24T05:10:00.000Z',
  lastUsedFrom: '192.0.2.7',
};

const apiKeyFields = {
  id: Type.Integer({ examples: [4] }),
  keyId: Type.String({ description: '`keyid` of signatures', examples: [apiKeyExample.keyId] }),
  name,
  scopes: Type.Array(oneOf(SCOPES)),
  ipAllowlist: Type.Unsafe<string[] | null>({ type: ['array', 'null'], items: { type: 'string' }, description: 'null: from anywhere' }),
  createdAt: time,
  expiresAt: nullable(Type.String({ format: 'date-time', description: 'null: never' })),
  revokedAt: nullable(time),
  lastUsedAt: nullable(Type.String({ format: 'date-time', description: 'To the minute' })),
  lastUsedFrom: nullable(Type.String({ description: 'The address of that use' })),
};

export const ApiKeySchema = Type.Object(apiKeyFields, { $id: 'ApiKey', examples: [apiKeyExample] });
export type ApiKeyView = Static<typeof ApiKeySchema>;

export const ApiKeyWithSecretSchema = Type.Object(
  { ...apiKeyFields, secret: Type.String({ description: 'Shown this once. The key of `hmac-sha256`, as the bytes of this text.', examples: ['aks_q1w2…'] }) },
  { $id: 'ApiKeyWithSecret', examples: [{ ...apiKeyExample, lastUsedAt: null, lastUsedFrom: null, secret: 'aks_q1w2…' }] },
);

export const ApiKeyListSchema = Type.Object({ items: Type.Array(Type.Unsafe<ApiKeyView>(Type.Ref('ApiKey'))), nextCursor: nullable(Type.String()) }, { $id: 'ApiKeyList', examples: [{ items: [apiKeyExample], nextCursor: null }] });

export const NewApiKeySchema = Type.Object(
  { name, scopes: Type.Optional(scopes), ipAllowlist: Type.Optional(ipAllowlist), expiresAt: Type.Optional(Type.String({ format: 'date-time', maxLength: 40, description: 'In the future; left out: never' })) },
  { additionalProperties: false, $id: 'NewApiKey', examples: [{ name: apiKeyExample.name, scopes: apiKeyExample.scopes, ipAllowlist: apiKeyExample.ipAllowlist, expiresAt: apiKeyExample.expiresAt }] },
);

export const ApiKeyParams = Type.Object({ id: Type.String({ pattern: '^[1-9][0-9]{0,14}$', examples: ['4'] }) });

export const API_KEY_LIMIT_DEFAULT = 20;
export const ApiKeyListQuery = Type.Object(
  {
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'nextCursor of the page before' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: API_KEY_LIMIT_DEFAULT })),
  },
  { additionalProperties: false },
);
