import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { JwksSchema } from '../schemas/auth.ts';

/** Shorter than tokens live, so that whoever checks them knows a new key before they see many of its tokens. */
const MAX_AGE_SECONDS = 300;

const JWK_SET = 'application/jwk-set+json';

/** `GET /.well-known/jwks.json`: the public keys of access tokens (RFC 7517, media type 8.5.2). */
export const jwks: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/.well-known/jwks.json',
    {
      schema: { tags: ['auth'], summary: 'Public keys of access tokens', description: 'A JWK set (RFC 7517). Tokens name their key by `kid`.', response: { 200: { description: 'The keys', content: { [JWK_SET]: { schema: JwksSchema } } } } },
      config: { access: { who: 'anyone' } },
    },
    async (_request, reply) => {
      reply.header('cache-control', `public, max-age=${MAX_AGE_SECONDS}`).type(JWK_SET);
      return { keys: [...app.accessTokens.publicJwks] };
    },
  );
};
