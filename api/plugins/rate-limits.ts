import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import fp from 'fastify-plugin';
import type { Redis } from 'ioredis';
import { EngineError } from '../../domain/errors.ts';
import type { Settings } from '../../domain/settings.ts';
import { addressKey } from '../rate-limits/address-key.ts';
import { rateLimitHeaders, retryAfterSeconds } from '../rate-limits/headers.ts';
import type { Limit, Verdict } from '../rate-limits/limit.ts';
import { createOwnCounters } from '../rate-limits/own-counters.ts';
import { createSharedCounters } from '../rate-limits/shared-counters.ts';
import { accountOf } from './authentication.ts';

export interface LimitedRoute {
  /** method and pattern, as `rateLimits.routes` of the settings names it */
  name: string;
  /** whether secrets can be tried there */
  guesses: boolean;
  /** whether it asks for no account: what the settings say of the route then counts for an address */
  anonymous: boolean;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** `onRequest` hooks: `caller` before it is known who calls, `account` after it is */
    limits: {
      caller(route: LimitedRoute): onRequestAsyncHookHandler;
      account(route: LimitedRoute): onRequestAsyncHookHandler;
      unknownPath(request: FastifyRequest, reply: FastifyReply): Promise<void>;
    };
  }
  interface FastifyRequest {
    /** what this request was held to so far */
    rateLimitVerdicts: readonly Verdict[] | null;
  }
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const FAILURE_LOG_INTERVAL_MS = 60_000;

/**
 * Counts requests by address, account, API key and route in Redis, in one round trip before it is known who calls and one
 * after. Without Redis, or a slow one, usual requests pass: an outage of the counter must not stop withdrawals, and what
 * protects money does not stand here. What lets secrets be tried is also counted in this process, so that neither an outage
 * nor an emptied Redis opens a hole.
 */
export const rateLimitsPlugin = fp(
  async (app: FastifyInstance, options: { redis: Redis; rateLimits: Settings['rateLimits']; answerMs: number }) => {
    const { requestsPerSecond, keyRequestsPerSecond, signInPerMinute, routes } = options.rateLimits;
    let failureLoggedAt = 0;
    const countShared = createSharedCounters(options, (error) => {
      if (Date.now() - failureLoggedAt < FAILURE_LOG_INTERVAL_MS) return;
      failureLoggedAt = Date.now();
      app.log.warn({ error }, 'rate limits are not counted: Redis cannot be reached');
    });
    const countOwn = createOwnCounters();
    app.decorateRequest('rateLimitVerdicts', null);

    const hold = async (request: FastifyRequest, reply: FastifyReply, limits: readonly Limit[], guesses: readonly Limit[]): Promise<void> => {
      const own = guesses.map((limit): Verdict => ({ limit, count: countOwn(limit) }));
      const shared = await countShared([...limits, ...guesses]);
      const verdicts = shared === null ? own : [...limits, ...guesses].map((limit, index): Verdict => stricter(limit, shared[index], own.find((verdict) => verdict.limit === limit)));
      request.rateLimitVerdicts = [...(request.rateLimitVerdicts ?? []), ...verdicts];
      const headers = rateLimitHeaders(request.rateLimitVerdicts);
      if (headers) reply.headers(headers);
      const seconds = retryAfterSeconds(request.rateLimitVerdicts);
      if (seconds !== null) throw new EngineError('RATE_LIMITED', { retryAfterSeconds: String(seconds) });
    };

    const routeLimit = (name: string, whose: string): Limit[] => {
      const requestsMax = routes[name];
      return requestsMax === undefined ? [] : [perSecond('route', `${name}:${whose}`, requestsMax)];
    };
    app.decorate('limits', {
      unknownPath: (request, reply) => hold(request, reply, [perSecond('address', addressOf(request), requestsPerSecond)], []),
      caller: ({ name, guesses, anonymous }) => async (request, reply) => {
        const address = addressOf(request);
        const limits = [perSecond('address', address, requestsPerSecond), ...(anonymous ? routeLimit(name, address) : [])];
        await hold(request, reply, limits, guesses ? [{ policy: 'guesses', key: `guesses:address:${address}`, requestsMax: signInPerMinute, windowMs: MINUTE_MS }] : []);
      },
      account: ({ name, guesses }) => async (request, reply) => {
        const { id, via } = accountOf(request);
        const key = via.kind === 'key' ? [perSecond('key', String(via.keyId), keyRequestsPerSecond)] : [];
        const limits = [perSecond('account', String(id), requestsPerSecond), ...key, ...routeLimit(name, String(id))];
        await hold(request, reply, limits, guesses ? [{ policy: 'account-guesses', key: `guesses:account:${id}`, requestsMax: signInPerMinute, windowMs: MINUTE_MS }] : []);
      },
    });

    const known = new Set<string>();
    app.addHook('onRoute', ({ method, url }) => {
      for (const each of [method].flat()) known.add(limitedRouteName(each, url));
    });
    app.addHook('onReady', async () => {
      const unknown = Object.keys(routes).find((name) => !known.has(name));
      if (unknown !== undefined) throw new Error(`rateLimits.routes names "${unknown}", and there is no such route: write it as the API does, for example "POST /withdrawals".`);
    });
  },
  { name: 'rate-limits', dependencies: ['authentication'] },
);

function perSecond(policy: string, whose: string, requestsMax: number): Limit {
  return { policy, key: `${policy}:${whose}`, requestsMax, windowMs: SECOND_MS };
}

/** What a proxy forwards may be no address; the proxy itself has one. */
function addressOf(request: FastifyRequest): string {
  return addressKey(request.ip) ?? addressKey(request.socket.remoteAddress ?? '') ?? 'unknown';
}

/** A HEAD is a GET whose answer is cut off. */
export function limitedRouteName(method: string, url: string): string {
  return `${method === 'HEAD' ? 'GET' : method} ${url}`;
}

/** Of the two counts of one limit the higher. */
function stricter(limit: Limit, shared: Verdict['count'] | undefined, own: Verdict | undefined): Verdict {
  if (shared === undefined) throw new Error('a limit was not counted');
  return own !== undefined && own.count.requests > shared.requests ? own : { limit, count: shared };
}
