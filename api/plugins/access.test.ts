import Fastify, { type FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { describe, expect, it } from 'vitest';
import { accessPlugin } from './access.ts';

/** The plugin with limits that let everything pass and an account that nobody has. */
async function appWith(addRoutes: (app: FastifyInstance) => void | Promise<void>): Promise<FastifyInstance> {
  const app = Fastify();
  const pass = async (): Promise<void> => undefined;
  await app.register(fp(async (scope) => {
    scope.decorate('requireAccount', () => async (_request, reply) => reply.code(401).send());
  }, { name: 'authentication' }));
  await app.register(fp(async (scope) => {
    scope.decorate('limits', { caller: () => pass, account: () => pass, unknownPath: pass });
  }, { name: 'rate-limits' }));
  await app.register(accessPlugin, { openPages: '/docs', requireShown: pass });
  await app.register(async (scope) => addRoutes(scope));
  await app.ready();
  return app;
}

const answer = async (): Promise<object> => ({});

describe('a route that says not who may call it, or what cannot be', () => {
  it.each<[string, (app: FastifyInstance) => void]>([
    ['GET', (app) => app.get('/hidden', answer)],
    ['POST', (app) => app.post('/hidden', answer)],
    ['any method', (app) => app.all('/hidden', answer)],
    ['several methods', (app) => app.route({ method: ['GET', 'POST'], url: '/hidden', config: { access: { who: 'anyone' } }, handler: answer })],
    ['GET with a config that says something else', (app) => app.get('/hidden', { config: { quiet: true } }, answer)],
    ['GET beside the open pages', (app) => app.get('/docsx', answer)],
    ['POST under the open pages', (app) => app.post('/docs/anything', answer)],
    ['POST that names no audit action', (app) => app.post('/hidden', { config: { access: { who: ['ADMIN'] } } }, answer)],
    ['a second factor for anyone', (app) => app.get('/hidden', { config: { access: { who: 'anyone', secondFactor: true } } }, answer)],
    ["a second factor and a key's scope", (app) => app.get('/hidden', { config: { access: { who: ['USER'], secondFactor: true, scope: 'withdrawals:read' } } }, answer)],
    ['GET in a plugin within a plugin', (app) => void app.register(async (inner) => void inner.register(async (innermost) => void innermost.get('/hidden', answer), { prefix: '/deep' }))],
  ])('keeps the API from starting: %s', async (_name, addRoutes) => {
    await expect(appWith(addRoutes)).rejects.toThrow(/has no access rule|names no audit action|asks for a second factor/);
  });

  it('is not missed while others have a rule, and the message names it', async () => {
    const routes = (app: FastifyInstance): void => {
      app.get('/open', { config: { access: { who: 'anyone' } } }, answer);
      app.get('/hidden', answer);
    };
    await expect(appWith(routes)).rejects.toThrow('GET /hidden has no access rule');
  });
});

describe('a route with a rule', () => {
  it('is called by anyone only where it says so, and its own hooks come after the rule', async () => {
    const seen: string[] = [];
    const onRequest = async (): Promise<void> => void seen.push('own hook');
    const app = await appWith((scope) => {
      scope.get('/open', { config: { access: { who: 'anyone' } } }, answer);
      scope.get('/closed', { config: { access: { who: ['ADMIN'] } }, onRequest }, answer);
      scope.get('/docs/page', answer);
    });
    expect((await app.inject('/open')).statusCode).toBe(200);
    expect((await app.inject('/docs/page')).statusCode).toBe(200);
    for (const method of ['GET', 'HEAD'] as const) expect((await app.inject({ method, url: '/closed' })).statusCode).toBe(401);
    expect(seen).toEqual([]);
    await app.close();
  });
});
