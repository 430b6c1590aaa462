import { Type, type Static } from 'typebox';
import { nullable } from './nullable.ts';
import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX } from './withdrawal.ts';
import { EMAIL_LENGTH_MAX } from '../../domain/email.ts';

export const SignInSchema = Type.Object(
  {
    email: Type.String({ minLength: 1, maxLength: EMAIL_LENGTH_MAX, examples: ['user@example.com'] }),
    password: Type.String({ minLength: 1, maxLength: 256, format: 'password' }),
  },
  { additionalProperties: false, $id: 'SignIn', examples: [{ email: 'user@example.com', password: 'correct horse battery staple' }] },
);

export const RefreshSchema = Type.Object({ refreshToken: Type.String({ minLength: 1, maxLength: 256 }) }, { additionalProperties: false, $id: 'Refresh', examples: [{ refreshToken: 'q1w2…' }] });

export const TokensSchema = Type.Object(
  {
    accessToken: Type.String({ description: 'For `Authorization: Bearer …`' }),
    refreshToken: Type.String({ description: 'Works once; the answer holds its successor.' }),
    expiresIn: Type.Integer({ description: 'Seconds the access token is valid', examples: [600] }),
  },
  { $id: 'Tokens', examples: [{ accessToken: 'eyJhbGciOiJFZERTQSJ9…', refreshToken: 'q1w2…', expiresIn: 600 }] },
);
export type Tokens = Static<typeof TokensSchema>;

const time = Type.String({ format: 'date-time', examples: ['2026-11-24T04:20:00.000Z'] });
/** Beside this, 12 to 128 code points, none of the commonest ones, and not the address: see `domain/password-rules.ts`. */
const newPassword = Type.String({ minLength: 1, maxLength: 256, format: 'password', description: '12 to 128 characters of any kind; none of those that are tried first, and not the address itself (NIST SP 800-63B)' });

export const RegistrationSchema = Type.Object(
  { email: Type.String({ minLength: 1, maxLength: EMAIL_LENGTH_MAX, examples: ['user@example.com'] }), password: newPassword },
  { additionalProperties: false, $id: 'Registration', examples: [{ email: 'user@example.com', password: 'correct horse battery staple' }] },
);

export const PasswordChangeSchema = Type.Object(
  { currentPassword: Type.String({ minLength: 1, maxLength: 256, format: 'password' }), newPassword },
  { additionalProperties: false, $id: 'PasswordChange', examples: [{ currentPassword: 'correct horse battery staple', newPassword: 'four owls on a quiet roof' }] },
);

const sessionExample = {
  id: '0123456789abcdef0123456789abcdef',
  createdAt: '2026-11-24T04:20:00.000Z',
  lastUsedAt: '2026-11-24T09:02:11.000Z',
  expiresAt: '2026-12-24T04:20:00.000Z',
  ipAddress: '203.0.113.7',
  userAgent: 'Mozilla/5.0',
  current: true,
};
export const SessionSchema = Type.Object(
  {
    id: Type.String(),
    createdAt: time,
    lastUsedAt: Type.String({ format: 'date-time', description: 'When it was opened or refreshed last' }),
    expiresAt: Type.String({ format: 'date-time', description: 'Its end at the latest; without a refresh for seven days it ends earlier' }),
    ipAddress: nullable(Type.String({ description: 'Where it was opened' })),
    userAgent: nullable(Type.String({ description: 'What it was opened with, as that calls itself' })),
    current: Type.Boolean({ description: 'Whether it is the one that asks' }),
  },
  { $id: 'Session', examples: [sessionExample] },
);
export type SessionView = Static<typeof SessionSchema>;
export const SessionListSchema = Type.Object({ items: Type.Array(Type.Unsafe<SessionView>(Type.Ref('Session'))), nextCursor: nullable(Type.String()) }, { $id: 'SessionList', examples: [{ items: [sessionExample], nextCursor: null }] });
export const SessionQuery = Type.Object(
  {
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'nextCursor of the page before' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIST_LIMIT_MAX, default: LIST_LIMIT_DEFAULT })),
  },
  { additionalProperties: false },
);
export const SessionParams = Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{32}$', examples: [sessionExample.id] }) });

const jwkExample = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k', alg: 'EdDSA', use: 'sig' as const };
export const JwksSchema = Type.Object(
  {
    keys: Type.Array(
      Type.Object(
        { kty: Type.String(), crv: Type.String(), x: Type.String(), kid: Type.String({ description: 'Thumbprint of the key (RFC 7638); tokens name it in their header' }), alg: Type.String(), use: Type.Literal('sig') },
        { additionalProperties: false },
      ),
      { description: 'The key that signs, first, and those whose tokens are still accepted' },
    ),
  },
  { $id: 'Jwks', examples: [{ keys: [jwkExample] }] },
);
