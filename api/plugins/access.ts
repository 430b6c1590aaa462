import type { FastifyInstance, onRequestAsyncHookHandler, RouteOptions } from 'fastify';
import fp from 'fastify-plugin';
import type { Access } from '../access.ts';
import { limitedRouteName } from './rate-limits.ts';

const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Holds every route to the rule in its `config.access`, before its body is read: first the limits, then who it is, then
 * whether they may. A route without a rule, or one that changes something and names no audit action, keeps the API from
 * starting.
 * @param options.openPages path under which a library serves pages to anyone
 * @param options.requireShown passes a session that has shown its second factor
 */
export const accessPlugin = fp(
  async (app: FastifyInstance, options: { openPages: string; requireShown: onRequestAsyncHookHandler }) => {
    app.addHook('onRoute', (route) => {
      const rule = ruleOf(route, options.openPages);
      const given = route.onRequest ?? [];
      const hooks = hooksFor(app, rule, limitedRouteName([route.method].flat()[0] ?? '', route.url));
      route.onRequest = [...hooks, ...(rule.secondFactor ? [options.requireShown] : []), ...(Array.isArray(given) ? given : [given])];
    });
  },
  { name: 'access', dependencies: ['authentication', 'rate-limits'] },
);

function ruleOf(route: RouteOptions, openPages: string): Access {
  const methods = [route.method].flat();
  const name = `${methods.join('|')} ${route.url}`;
  const reads = methods.every((method) => READING.has(method));
  // A library that serves pages knows no rules.
  const rule = route.config?.access ?? (reads && isUnder(openPages, route.url) ? { who: 'anyone' } : undefined);
  if (rule === undefined) throw new Error(`${name} has no access rule: say in its config who may call it.`);
  if (rule.audit === undefined && !reads) throw new Error(`${name} changes something and names no audit action.`);
  // A second factor is shown in a session: nobody without one, and no key, can have shown it.
  if (rule.secondFactor && (rule.who === 'anyone' || rule.scope !== undefined)) throw new Error(`${name} asks for a second factor, and for no session or a key's scope.`);
  return rule;
}

function isUnder(prefix: string, url: string): boolean {
  return url === prefix || url.startsWith(`${prefix}/`);
}

function hooksFor(app: FastifyInstance, { who, scope, limit }: Access, name: string): onRequestAsyncHookHandler[] {
  const limited = { name, guesses: limit === 'guesses', anonymous: who === 'anyone' };
  const before = limit === 'none' ? [] : [app.limits.caller(limited)];
  return who === 'anyone' ? before : [...before, app.requireAccount(who, scope), app.limits.account(limited)];
}
