import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Database } from '../../../db/client.ts';
import { declareTreasuryMovement } from '../../../db/repositories/wallets/declare-treasury-movement.ts';
import { EngineError } from '../../../domain/errors.ts';
import type { Settings } from '../../../domain/settings.ts';
import { ADMINS } from '../../access.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { errorResponses } from '../../schemas/error.ts';
import { MovementSchema, NewMovementSchema } from '../../schemas/movement.ts';
import { movementView } from '../../treasury/movement-view.ts';
import { readRegistry } from '../../treasury/read-registry.ts';
import { sha256Hex } from '../../withdrawals/body-hash.ts';
import { idempotencyKeyFrom } from '../../withdrawals/idempotency-key.ts';

/**
 * `POST /admin/treasury/movements`: says beforehand that value will move. A key is required: each declaration lets one transfer
 * leave a wallet unchallenged, and a call that a network repeats must not allow two.
 */
export const postMovement: FastifyPluginAsyncTypebox<{ database: Database; settings: Settings }> = async (app, { database, settings }) => {
  app.post(
    '/admin/treasury/movements',
    {
      schema: {
        tags: ['treasury'],
        summary: 'Declare a top-up or a sweep before it is made',
        description: 'One transfer of exactly this wallet, token, amount and counterparty, mined after this call, is recognised as it; any other outflow halts the wallet. A repeat with the same key and body gives the same movement; another body is 409.',
        security: [{ bearer: [] }],
        headers: Type.Object({ 'idempotency-key': Type.String({ description: '1 to 128 visible ASCII characters, one for each movement', examples: ['sweep-20261124-01'] }) }),
        body: NewMovementSchema,
        response: { 201: MovementSchema, ...errorResponses(409) },
      },
      config: { access: { who: ADMINS, secondFactor: true, audit: 'movement.declare' } },
      preValidation: async (request) => {
        idempotencyKeyFrom(request.headers['idempotency-key']);
      },
    },
    async (request, reply) => {
      const { id: accountId } = accountOf(request);
      const { direction, ...body } = request.body;
      const key = sha256Hex(`${accountId} ${idempotencyKeyFrom(request.headers['idempotency-key'])}`);
      const result = await declareTreasuryMovement(database, settings.chain, { ...body, direction: direction === 'in' ? 'IN' : 'OUT', declaredBy: `account ${accountId}`, key });
      if (result.kind === 'conflict') throw new EngineError('IDEMPOTENCY_CONFLICT');
      const view = movementView(result.row, await readRegistry(database, settings.chain.network), settings.chain);
      request.audit.target(view.id);
      request.audit.after({ ...view, isRepeat: result.kind === 'repeat' });
      if (result.kind === 'declared') {
        const { id: movementId, ...movement } = view;
        request.log.info({ accountId, movementId, movement }, 'a treasury movement was declared');
      }
      return reply.code(201).send(view);
    },
  );
};
