import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { pageMovements } from '../../../db/repositories/wallets/treasury-movements.ts';
import type { Settings } from '../../../domain/settings.ts';
import { READERS } from '../../access.ts';
import { decodeTextCursor, encodeTextCursor } from '../../pagination-cursor.ts';
import { MovementListQuery, MovementListSchema } from '../../schemas/movement.ts';
import { LIST_LIMIT_DEFAULT } from '../../schemas/withdrawal.ts';
import { movementView } from '../../treasury/movement-view.ts';
import { readRegistry } from '../../treasury/read-registry.ts';

const MOVEMENT_ID = /^[1-9][0-9]{0,14}$/;

/** `GET /admin/treasury/movements`: newest first. */
export const listMovements: FastifyPluginAsyncTypebox<{ database: Database; settings: Settings }> = async (app, { database, settings }) => {
  app.get(
    '/admin/treasury/movements',
    {
      schema: {
        tags: ['treasury'],
        summary: 'Declared movements, newest first',
        security: [{ bearer: [] }],
        querystring: MovementListQuery,
        response: { 200: MovementListSchema },
      },
      config: { access: { who: READERS } },
    },
    async (request) => {
      const { state, cursor, limit = LIST_LIMIT_DEFAULT } = request.query;
      const { chain } = settings;
      const beforeId = cursor === undefined ? undefined : Number(decodeTextCursor(cursor, MOVEMENT_ID));
      const { rows, next } = await pageMovements(database, { chainId: chain.chainId, ...(state && { matched: state === 'matched' }), beforeId, limit });
      const registry = await readRegistry(database, chain.network);
      return { items: rows.map((row) => movementView(row, registry, chain)), nextCursor: next === null ? null : encodeTextCursor(String(next)) };
    },
  );
};
