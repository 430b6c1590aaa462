import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { listHalts } from '../../../db/repositories/operations/halts.ts';
import { READERS } from '../../access.ts';
import { haltViews } from '../../halts/view.ts';
import { HaltListSchema } from '../../schemas/halt.ts';

/** `GET /admin/halts`: everything that stands still now. */
export const haltList: FastifyPluginAsyncTypebox<{ database: Database }> = async (app, { database }) => {
  app.get(
    '/admin/halts',
    {
      schema: {
        tags: ['admin'],
        summary: 'What stands still, and why',
        description: 'Halts set by a person and by a recovery, oldest first.',
        security: [{ bearer: [] }],
        response: { 200: HaltListSchema },
      },
      config: { access: { who: READERS } },
    },
    async () => ({ items: haltViews(await listHalts(database)), nextCursor: null }),
  );
};
