import { impliedErrors } from '../openapi/implied-errors.ts';
import { tellOptionalBodies } from '../openapi/optional-bodies.ts';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

export const DOCS_PREFIX = '/docs';

const SIGNATURE_DESCRIPTION =
  'HTTP message signature (RFC 9421), `hmac-sha256` with an API key, in exactly this form: ' +
  '`Signature-Input: sig=("@method" "@path" "@query" "content-digest" "idempotency-key");created=…;nonce="…";keyid="ak_…";alg="hmac-sha256"` and `Signature: sig=:…:`. ' +
  '`content-digest` (RFC 9530, `sha-256`) is covered exactly when there is a body, `idempotency-key` exactly when it is sent. `created` within 30 s of the `Date` of our answers; ' +
  'a `nonce` of 16 to 64 characters of base64url works once. Whatever does not fit is answered with the same 401.';

/** OpenAPI from the routes' own schemas: the page at /docs, the document at /docs/json. */
export const docsPlugin = fp(
  async (app: FastifyInstance) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'Withdrawal engine',
          version: '1.0.0',
          description:
            'Pays crypto withdrawals, each exactly once or provably not at all. Amounts are decimal strings in token units, times ISO 8601 UTC. ' +
            'Every response carries `x-correlation-id`. Messages are Korean, or English where `Accept-Language` prefers it.',
        },
        tags: [
          { name: 'withdrawals', description: 'Request, follow and cancel withdrawals' },
          { name: 'admin', description: 'What operators see and decide; role ADMIN' },
          { name: 'assets', description: 'What can be withdrawn' },
          { name: 'webhooks', description: 'Be told of status changes, by Standard Webhooks' },
          { name: 'auth', description: 'Accounts and sessions' },
          { name: 'api-keys', description: 'For programs: each request is signed' },
          { name: 'operations', description: 'Health and metrics' },
        ],
        webhooks: {
          withdrawal: {
            post: {
              tags: ['webhooks'],
              summary: 'A status change, sent to the receivers of its owner',
              description: 'Signed by Standard Webhooks: headers `webhook-id`, `webhook-timestamp` and `webhook-signature`. The same id comes again when it is not certain that it arrived.',
              requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/WebhookMessage' } } } },
              responses: { '204': { description: 'Taken; any 2xx will do' }, '410': { description: 'Send nothing more: the endpoint is switched off' } },
            },
          },
        },
        components: {
          securitySchemes: {
            bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
            signature: { type: 'apiKey', in: 'header', name: 'Signature', description: SIGNATURE_DESCRIPTION },
          },
        },
      },
      // What follows from a route's method and rule is said where the rule stands, and shown here: refusals, and that keys are taken beside sessions.
      transform: ({ schema, url, route }) => {
        const access = route.config?.access;
        // The pages of the library have no rule, and are not in the document.
        if (access === undefined) return { schema, url };
        const { security = [], response } = schema;
        const keys = access.scope === undefined ? {} : { security: [...security, { signature: [] }], 'x-scope': access.scope };
        return { schema: { ...schema, ...keys, response: { ...impliedErrors([route.method].flat()[0] ?? '', access), ...(response as object) } }, url };
      },
      transformObject: (document) => ('openapiObject' in document ? tellOptionalBodies(document.openapiObject) : document.swaggerObject),
      refResolver: { buildLocalReference: (json, _baseUri, _fragment, index) => (typeof json.$id === 'string' ? json.$id : `schema-${index}`) },
    });
    await app.register(swaggerUi, {
      routePrefix: DOCS_PREFIX,
      uiConfig: { docExpansion: 'list', persistAuthorization: false },
      // As an object: the plugin's own default would upgrade every request to TLS, which a sandbox does not have.
      staticCSP: {
        'default-src': ["'self'"],
        'img-src': ["'self'", 'data:'],
        'style-src': ["'self'", "'unsafe-inline'"],
        'script-src': ["'self'"],
        'object-src': ["'none'"],
        'base-uri': ["'none'"],
        'frame-ancestors': ["'none'"],
      },
    });
  },
  { name: 'docs' },
);
