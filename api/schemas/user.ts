import { Type, type Static } from 'typebox';
import { ROLES } from '../../domain/status.ts';
import { nullable, oneOf } from './nullable.ts';
import { reasonSchema } from './reason.ts';
import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX } from './withdrawal.ts';
import { EMAIL_LENGTH_MAX } from '../../domain/email.ts';

const time = Type.String({ format: 'date-time', examples: ['2026-11-24T04:20:00.000Z'] });
const role = oneOf(ROLES, { examples: ['APPROVER'] });

const userExample = {
  id: 42,
  email: 'new.approver@example.com',
  askedEmail: null,
  role: 'APPROVER',
  isActive: true,
  mustChangePassword: true,
  createdAt: '2026-11-24T04:20:00.000Z',
  lastUsedAt: null,
};

const properties = {
  id: Type.Integer(),
  email: Type.String({ description: 'Which account it is: an address, or of a shadow account a name that is none' }),
  askedEmail: nullable(Type.String({ description: 'Of a shadow account: the address it was registered under, which is another account’s' })),
  role,
  isActive: Type.Boolean(),
  mustChangePassword: Type.Boolean({ description: 'Someone else has set its password, and it has not been changed yet' }),
  createdAt: time,
  lastUsedAt: nullable(Type.String({ format: 'date-time', description: 'When a session of it was opened or refreshed last' })),
};
export const UserSchema = Type.Object(properties, { $id: 'User', examples: [userExample] });
export type UserView = Static<typeof UserSchema>;
export const UserListSchema = Type.Object({ items: Type.Array(Type.Unsafe<UserView>(Type.Ref('User'))), nextCursor: nullable(Type.String()) }, { $id: 'UserList', examples: [{ items: [userExample], nextCursor: null }] });

export const UserWithPasswordSchema = Type.Object(
  { ...properties, initialPassword: Type.String({ description: 'Shown this once. It opens nothing until its owner has changed it.' }) },
  { $id: 'UserWithPassword', examples: [{ ...userExample, initialPassword: 'q1w2…' }] },
);

export const UserQuery = Type.Object(
  {
    email: Type.Optional(Type.String({ minLength: 1, maxLength: EMAIL_LENGTH_MAX, description: 'How the address begins, also one that a shadow account was registered under', examples: ['new.approver'] })),
    role: Type.Optional(role),
    active: Type.Optional(oneOf(['true', 'false'] as const)),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'nextCursor of the page before' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIST_LIMIT_MAX, default: LIST_LIMIT_DEFAULT })),
  },
  { additionalProperties: false },
);
export const UserParams = Type.Object({ id: Type.String({ pattern: '^[1-9][0-9]{0,9}$', examples: ['42'] }) });

export const NewUserSchema = Type.Object(
  { email: Type.String({ minLength: 1, maxLength: EMAIL_LENGTH_MAX, examples: [userExample.email] }), role },
  { additionalProperties: false, $id: 'NewUser', examples: [{ email: userExample.email, role: 'APPROVER' }] },
);
export const UserChangesSchema = Type.Object(
  {
    role: Type.Optional(role),
    isActive: Type.Optional(Type.Boolean({ description: 'Whether it may sign in and act' })),
    reason: reasonSchema('Left the company'),
  },
  { additionalProperties: false, $id: 'UserChanges', examples: [{ isActive: false, reason: 'Left the company' }] },
);
