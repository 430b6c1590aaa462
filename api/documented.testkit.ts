import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/**
 * Builds an app and holds whatever it answers against its own OpenAPI document: which statuses it gave that the document
 * does not list for that call. Hooked in before the app can add a route, so that none is left out.
 */
export async function watchAnswers(build: () => Promise<FastifyInstance>): Promise<{ app: FastifyInstance; undocumented: ReadonlySet<string> }> {
  const undocumented = new Set<string>();
  const onApp = (message: unknown): void => {
    (message as { fastify: FastifyInstance }).fastify.addHook('onResponse', async (request, { statusCode }) => {
      const listed = listedStatuses(request);
      if (listed !== undefined && !listed.includes(String(statusCode))) undocumented.add(`${request.method} ${request.routeOptions.url} ${statusCode}`);
    });
  };
  subscribe('fastify.initialization', onApp);
  try {
    return { app: await build(), undocumented };
  } finally {
    unsubscribe('fastify.initialization', onApp);
  }
}

/** Undefined for what the document does not speak of: unknown paths, HEAD, the pages of libraries. */
function listedStatuses({ server, method, routeOptions: { url } }: FastifyRequest): string[] | undefined {
  const { paths = {} } = server.swagger() as object as { paths?: Record<string, Record<string, { responses: object }>> };
  const operation = paths[url?.replaceAll(/:(\w+)/g, '{$1}') ?? '']?.[method.toLowerCase()];
  return operation && Object.keys(operation.responses);
}
