import { Type, type Static } from 'typebox';
import { AUDIT_ACTIONS, AUDIT_ACTORS, AUDIT_PHASES } from '../../domain/audit.ts';
import { nullable, oneOf } from './nullable.ts';
import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX } from './withdrawal.ts';

const time = (description: string) => Type.String({ format: 'date-time', description, examples: ['2026-11-24T04:20:00.000Z'] });
const state = (description: string) => Type.Unsafe<unknown>({ description, examples: [{ status: 'ACTIVE' }] });

const entryExample = {
  id: 412,
  position: 409,
  at: '2026-11-24T04:20:09.412Z',
  callId: '5f0c1f0a9d3b4b7e8a2c6d1e0f4a3b2c',
  phase: 'ENDED',
  actor: { kind: 'account', id: 3, name: 'operator@example.com', via: 'session' },
  ip: '203.0.113.7',
  userAgent: 'Mozilla/5.0',
  action: 'wallet.pause',
  target: { kind: 'wallet', id: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266' },
  status: 200,
  errorCode: null,
  before: { status: 'ACTIVE' },
  after: { status: 'PAUSED', reason: 'maintenance' },
  correlationId: '0f8fad5b-d9cb-469f-a165-70867728950e',
  times: 1,
};

export const AuditEntrySchema = Type.Object(
  {
    id: Type.Integer({ description: 'Rises, with gaps' }),
    position: nullable(Type.Integer({ description: 'Its place in the hash chain; null for the few seconds until it is linked' })),
    at: time('When it was written'),
    callId: Type.String({ description: 'Shared by the rows of one call' }),
    phase: oneOf(AUDIT_PHASES, { description: 'BEGUN before anything is changed, ENDED with the answer; a BEGUN alone died in between. DONE: written with the change. REFUSED: nothing was changed' }),
    actor: Type.Object({
      kind: oneOf(AUDIT_ACTORS),
      id: nullable(Type.Integer({ description: 'Of the account, the one an API key belongs to included' })),
      name: nullable(Type.String({ description: 'An e-mail address; of a command the user of the operating system; of an unknown caller the SHA-256 of the address that was tried' })),
      via: nullable(Type.String({ description: '`session`, `key <id>`, or the command' })),
    }),
    ip: nullable(Type.String()),
    userAgent: nullable(Type.String()),
    action: oneOf(AUDIT_ACTIONS),
    target: nullable(Type.Object({ kind: Type.String(), id: Type.String() })),
    status: nullable(Type.Integer({ description: 'HTTP status, or a command’s exit code' })),
    errorCode: nullable(Type.String()),
    before: state('What stood before, where it is known'),
    after: state('What stands after it'),
    correlationId: Type.String(),
    times: Type.Integer({ description: 'How many refused calls this row stands for' }),
  },
  { $id: 'AuditEntry', examples: [entryExample] },
);
export type AuditEntryView = Static<typeof AuditEntrySchema>;

export const AuditListSchema = Type.Object({ items: Type.Array(Type.Unsafe<AuditEntryView>(Type.Ref('AuditEntry'))), nextCursor: nullable(Type.String()) }, { $id: 'AuditList', examples: [{ items: [entryExample], nextCursor: null }] });

export const AuditQuery = Type.Object(
  {
    actor: Type.Optional(Type.String({ minLength: 1, maxLength: 320, description: 'Number of an account, or a name as it stands in the log' })),
    action: Type.Optional(oneOf(AUDIT_ACTIONS)),
    target: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: 'Id of what was changed: a requestId, a wallet, a number' })),
    from: Type.Optional(time('At or after')),
    to: Type.Optional(time('Before')),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'nextCursor of the page before' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIST_LIMIT_MAX, default: LIST_LIMIT_DEFAULT })),
  },
  { additionalProperties: false },
);

const hash = Type.String({ description: 'SHA-256, hex', examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'] });
const anExample = { position: 409, hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08' };

export const AuditVerificationSchema = Type.Object(
  {
    verdict: oneOf(['AGREES', 'BROKEN', 'UNKNOWN'], { description: 'UNKNOWN while Temporal cannot be asked or has kept no anchor yet: the links hold, but a rewritten chain would hold too' }),
    head: Type.Object({ position: Type.Integer(), hash }, { description: 'The last link that holds' }),
    linksChecked: Type.Integer({ description: 'The newest ones. npm run audit:verify walks all of them' }),
    anchor: nullable(Type.Object({ position: Type.Integer(), hash, at: time('When Temporal was given it') })),
    broken: nullable(Type.Object({ position: Type.Integer(), what: Type.String() })),
    waiting: Type.Integer({ description: 'Rows that are not linked yet' }),
    waitingSince: nullable(time('The longest of them; more than a few seconds means that the chainer stands still')),
  },
  { $id: 'AuditVerification', examples: [{ verdict: 'AGREES', head: anExample, linksChecked: 409, anchor: { ...anExample, at: '2026-11-24T04:20:10.004Z' }, broken: null, waiting: 0, waitingSince: null }] },
);
export type AuditVerificationView = Static<typeof AuditVerificationSchema>;
