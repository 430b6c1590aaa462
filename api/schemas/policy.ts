import { Type, type Static } from 'typebox';
import { POLICY_STATUSES } from '../../db/schema/policies.ts';
import { ERROR_CODES } from '../../domain/errors.ts';
import { PolicySchema, type Policy } from '../../domain/policy.ts';
import { nullable, oneOf } from './nullable.ts';
import { reasonSchema } from './reason.ts';
import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX } from './withdrawal.ts';

/** A document of two hundred rules that name many clients; other bodies are far smaller. */
export const POLICY_BODY_BYTES_MAX = 256 * 1024;

const time = Type.String({ format: 'date-time', examples: ['2026-11-24T04:20:00.000Z'] });
const person = Type.String({ examples: ['admin@example.com'] });
const reason = reasonSchema('The limit of a day follows the new insurance');

const rules = Type.Unsafe<Policy['rules']>({
  ...PolicySchema.properties.rules,
  description: 'The first rule whose conditions all hold decides; behind the last one everything is denied. Before them all stands the denylist.',
  examples: [
    [
      { id: 'a-million-a-day', when: { total: { of: 'client', window: 'day', above: '1000000' } }, action: { deny: 'LIMIT_EXCEEDED' } },
      { id: 'large-ones-are-approved', when: { amount: { atLeast: '1000' } }, action: { approvals: { required: 2, withinMs: 86_400_000 } } },
      { id: 'small-ones-pass', when: {}, action: { allow: true } },
    ],
  ],
});

const policyExample = {
  version: 2,
  status: 'DRAFT',
  rules: [{ id: 'small-ones-pass', when: {}, action: { allow: true } }],
  reason: 'The limit of a day follows the new insurance',
  baseVersion: 1,
  proposedBy: 'admin@example.com',
  proposedAt: '2026-11-24T04:20:00.000Z',
  decidedBy: null,
  decidedAt: null,
  decisionReason: null,
};

export const PolicyVersionSchema = Type.Object(
  {
    version: Type.Integer(),
    status: oneOf(POLICY_STATUSES, { description: 'LIVE: in force, one at a time. DRAFT: waits for a second admin. RETIRED: was in force. REJECTED: never was.' }),
    // Written once by whoever proposed them: shown as they are.
    rules: Type.Unsafe<Policy['rules']>({ type: 'array', items: { type: 'object', additionalProperties: true } }),
    reason: Type.String(),
    baseVersion: nullable(Type.Integer({ description: 'The version that was live when this one was proposed: it can replace only that one' })),
    proposedBy: nullable(Type.String({ description: 'null for the first one, from the settings file' })),
    proposedAt: time,
    decidedBy: nullable(person),
    decidedAt: nullable(time),
    decisionReason: nullable(Type.String()),
  },
  { $id: 'PolicyVersion', examples: [policyExample] },
);
export type PolicyVersionView = Static<typeof PolicyVersionSchema>;

export const PolicyListSchema = Type.Object({ items: Type.Array(Type.Unsafe<PolicyVersionView>(Type.Ref('PolicyVersion'))), nextCursor: nullable(Type.String()) }, { $id: 'PolicyList', examples: [{ items: [policyExample], nextCursor: null }] });

export const PolicyListQuery = Type.Object(
  {
    status: Type.Optional(oneOf(POLICY_STATUSES)),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'nextCursor of the page before' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIST_LIMIT_MAX, default: LIST_LIMIT_DEFAULT })),
  },
  { additionalProperties: false },
);

export const PolicyVersionParams = Type.Object({ version: Type.String({ pattern: '^[1-9][0-9]{0,8}$', examples: ['2'] }) });
export const NewPolicySchema = Type.Object({ rules, reason }, { additionalProperties: false, examples: [{ rules: policyExample.rules, reason: 'The limit of a day follows the new insurance' }] });
export const RejectionSchema = Type.Object({ reason }, { additionalProperties: false, examples: [{ reason: 'Not agreed with the treasury' }] });

const units = Type.String({ description: 'Token units', examples: ['250'] });
const count = Type.Integer({ minimum: 0 });
const UsageSchema = Type.Object({ hourTotal: units, dayTotal: units, hourCount: count, dayCount: count });
const holds = oneOf(['yes', 'no', 'unknown'] as const);

export const SimulationBodySchema = Type.Object(
  {
    withdrawal: Type.Object(
      {
        amount: units,
        currency: Type.String({ examples: ['USDC'] }),
        toAddress: Type.String({ examples: ['0x70997970C51812dc3A010C7d01b50e0d17dc79C8'] }),
        network: Type.String({ examples: ['polygon-amoy'] }),
        client: Type.String({ description: 'The owner’s e-mail address', examples: ['user@example.com'] }),
        walletBalance: Type.Optional(Type.String({ description: 'What the paying wallet would hold of the token, in token units. Without it a rule about the wallet’s share stays open.', examples: ['50000'] })),
      },
      { additionalProperties: false },
    ),
    policy: Type.Optional(Type.Object({ rules }, { additionalProperties: false, description: 'Rules to try; absent: the live ones' })),
  },
  {
    additionalProperties: false,
    examples: [{ withdrawal: { amount: '2500', currency: 'USDC', toAddress: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8', network: 'polygon-amoy', client: 'user@example.com' } }],
  },
);

export const SimulationSchema = Type.Object(
  {
    version: nullable(Type.Integer({ description: 'The live version it was judged by; null for rules that were given' })),
    verdict: oneOf(['allowed', 'denied', 'undetermined'] as const, { description: 'undetermined: the rule asks for what was not given, the balance of the wallet' }),
    rule: Type.String({ description: 'The rule that decides, or would if more were known. Unwritten ones: `per-transaction`, `denylist`, `closing-rule`' }),
    errorCode: nullable(oneOf(ERROR_CODES)),
    errorMessage: nullable(Type.String()),
    approvals: nullable(Type.Object({ required: Type.Integer(), approvers: nullable(Type.Array(person, { description: 'null: everyone who may approve' })), withinMs: Type.Integer() })),
    facts: Type.Object({
      destination: oneOf(['denylisted', 'allowlisted', 'unlisted'] as const),
      knownForMs: Type.Integer({ description: 'How long the client has known the recipient' }),
      usage: Type.Object({ client: UsageSchema, everyone: UsageSchema }, { description: 'Counted before this one, of its currency; numbers of withdrawals whatever the currency' }),
      walletBalance: nullable(Type.String()),
    }),
    rules: Type.Array(Type.Object({ rule: Type.String(), holds, conditions: Type.Array(Type.Object({ condition: Type.String(), holds })) }), { description: 'What each rule said, up to the one that decides' }),
  },
  {
    $id: 'PolicySimulation',
    examples: [
      {
        version: 1,
        verdict: 'allowed',
        rule: 'large-ones-are-approved',
        errorCode: null,
        errorMessage: null,
        approvals: { required: 2, approvers: null, withinMs: 86_400_000 },
        facts: {
          destination: 'unlisted',
          knownForMs: 0,
          usage: { client: { hourTotal: '0', dayTotal: '250', hourCount: 0, dayCount: 1 }, everyone: { hourTotal: '12.5', dayTotal: '7250', hourCount: 1, dayCount: 31 } },
          walletBalance: null,
        },
        rules: [
          { rule: 'a-million-a-day', holds: 'no', conditions: [{ condition: 'total', holds: 'no' }] },
          { rule: 'large-ones-are-approved', holds: 'yes', conditions: [{ condition: 'amount', holds: 'yes' }] },
        ],
      },
    ],
  },
);
export type SimulationView = Static<typeof SimulationSchema>;
