import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { READERS } from '../../access.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { PayloadReaderSchema } from '../../schemas/payload-reader.ts';

/** `GET /admin/payload-reader`: what the codec server asks before it opens a payload for somebody. It holds no key to judge a session by. */
export const payloadReader: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/admin/payload-reader',
    {
      schema: {
        tags: ['admin'],
        summary: 'Whether you may read payloads in Temporal',
        description: 'For the codec server of the Temporal Web UI: `200` for those who may look at everything.',
        security: [{ bearer: [] }],
        response: { 200: PayloadReaderSchema },
      },
      config: { access: { who: READERS } },
    },
    async (request) => {
      const { id, email, role } = accountOf(request);
      return { accountId: id, email, role };
    },
  );
};
