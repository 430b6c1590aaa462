import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FastifyInstance } from 'fastify';
import type { Access } from './access.ts';

export interface SeenRoute {
  method: string;
  /** as Fastify spells it, with `:parameters` */
  path: string;
  /** the rule it gives itself; a library's page has none */
  access: Access | undefined;
}

/**
 * Every route of the apps that are built meanwhile, those of libraries too: from Fastify's own `onRoute`, hooked in before
 * the app can add anything, so that none is added unseen.
 */
export async function watchRoutes<T>(build: () => Promise<T>): Promise<{ built: T; routes: SeenRoute[] }> {
  const seen = new Map<string, SeenRoute>();
  const onApp = (message: unknown): void => {
    (message as { fastify: FastifyInstance }).fastify.addHook('onRoute', (route) => {
      // A prefix's own page is reached with and without a closing slash.
      const path = route.url.replace(/(?<=.)\/$/, '');
      for (const method of [route.method].flat()) seen.set(`${method} ${path}`, { method, path, access: route.config?.access });
    });
  };
  subscribe('fastify.initialization', onApp);
  try {
    const built = await build();
    return { built, routes: [...seen.values()] };
  } finally {
    unsubscribe('fastify.initialization', onApp);
  }
}
