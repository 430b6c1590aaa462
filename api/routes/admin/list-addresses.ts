import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { pageListings } from '../../../db/repositories/policy/listed-addresses.ts';
import { parseAddress } from '../../../domain/address.ts';
import { READERS } from '../../access.ts';
import { listedAddressViews } from '../../addresses/view.ts';
import { decodeIdCursor, encodeIdCursor } from '../../pagination-cursor.ts';
import { ListedAddressListSchema, ListedAddressQuery } from '../../schemas/listed-address.ts';
import { LIST_LIMIT_DEFAULT } from '../../schemas/withdrawal.ts';

/** `GET /admin/addresses`: what is, was, or is proposed to be on the allowlist or the denylist, newest first. */
export const listAddresses: FastifyPluginAsyncTypebox<{ database: Database }> = async (app, { database }) => {
  app.get(
    '/admin/addresses',
    {
      schema: {
        tags: ['admin'],
        summary: 'Allowlist and denylist, newest first',
        description: '`?status=PROPOSED` and `?status=REMOVAL_PROPOSED` give what waits for a second admin.',
        security: [{ bearer: [] }],
        querystring: ListedAddressQuery,
        response: { 200: ListedAddressListSchema },
      },
      config: { access: { who: READERS } },
    },
    async (request) => {
      const { list, status, address, cursor, limit = LIST_LIMIT_DEFAULT } = request.query;
      const { rows, next } = await pageListings(database, {
        list: list && (list === 'allow' ? 'ALLOW' : 'DENY'),
        status,
        address: address === undefined ? undefined : parseAddress(address),
        before: cursor === undefined ? undefined : decodeIdCursor(cursor),
        limit,
      });
      return { items: await listedAddressViews(database, rows), nextCursor: next === null ? null : encodeIdCursor(next) };
    },
  );
};
