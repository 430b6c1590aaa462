import { Type, type Static } from 'typebox';
import { HALT_KINDS } from '../../domain/halts.ts';
import { nullable, oneOf } from './nullable.ts';
import { reasonSchema } from './reason.ts';

/** How far a halt reaches, as HTTP spells it. */
const HTTP_SCOPES = ['global', 'chain', 'token', 'wallet'] as const;
export type HttpScope = (typeof HTTP_SCOPES)[number];

const TARGET_LENGTH_MAX = 64;

const haltExample = { scope: 'token', target: '0x5FbDB2315678afecb367f032d93F642f64180aa3', kind: 'OPERATOR', reason: 'The token contract was upgraded; looking into it', setBy: 'account 3', createdAt: '2026-11-24T04:20:00.000Z' };

export const HaltSchema = Type.Object(
  {
    scope: oneOf(HTTP_SCOPES),
    target: nullable(Type.String({ description: 'A chain id, a token (its address, or `native`), or a wallet; null where everything stands still' })),
    kind: oneOf(HALT_KINDS, { description: 'OPERATOR: set by a person, lifted by `POST /admin/resume`. RECOVERY: the books are behind; `npm run recover` lifts it.' }),
    reason: Type.String(),
    setBy: Type.String(),
    createdAt: Type.String({ format: 'date-time' }),
  },
  { $id: 'Halt', examples: [haltExample] },
);
export type HaltView = Static<typeof HaltSchema>;

const items = Type.Array(Type.Unsafe<HaltView>(Type.Ref('Halt')), { description: 'Everything that stands still now, oldest first' });

export const HaltListSchema = Type.Object({ items, nextCursor: nullable(Type.String()) }, { $id: 'HaltList', examples: [{ items: [haltExample], nextCursor: null }] });

export const HaltAnswerSchema = Type.Object(
  {
    items,
    nextCursor: nullable(Type.String()),
    underWay: Type.Boolean({
      description: 'False: nothing the halt forbids is committed from now on. True: the halt stands, but a process that looked before has not come to an end in time; ask again.',
    }),
  },
  { $id: 'HaltAnswer', examples: [{ items: [haltExample], nextCursor: null, underWay: false }] },
);

/** What is halted or resumed. That a target fits its scope is judged by the route. */
export const HaltBodySchema = Type.Object(
  {
    scope: oneOf(HTTP_SCOPES),
    target: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: TARGET_LENGTH_MAX,
        description: 'None for global; the chain id or network for chain; an address, a currency or `native` for token; the address of a hot wallet for wallet',
        examples: ['USDC'],
      }),
    ),
    reason: reasonSchema(haltExample.reason),
  },
  { additionalProperties: false, $id: 'HaltBody', examples: [{ scope: 'token', target: 'USDC', reason: haltExample.reason }] },
);
export type HaltBody = Static<typeof HaltBodySchema>;
