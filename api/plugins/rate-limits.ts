import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import fp from 'fastify-plugin';
import type { Redis } from 'ioredis';
import { EngineError } from '../../domain/errors.ts';
import type { Settings } from '../../domain/settings.ts';
import { accountOf } from './authentication.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** `onRequest` hooks; `account` goes after the account is known */
    limits: { address: onRequestAsyncHookHandler; account: onRequestAsyncHookHandler; signIn: onRequestAsyncHookHandler };
  }
}

const FAILURE_LOG_INTERVAL_MS = 60_000;

/**
 * Fixed windows counted in Redis, so that several API processes share them. Without Redis requests pass: an outage of
 * the counter must not stop withdrawals, and what protects money does not stand here.
 */
export const rateLimitsPlugin = fp(
  async (app: FastifyInstance, options: { redis: Redis; rateLimits: Settings['rateLimits'] }) => {
    const { requestsPerSecond, signInPerMinute } = options.rateLimits;
    await app.register(rateLimit, { global: false, redis: options.redis, nameSpace: 'rate-limit:', skipOnError: false });
    let failureLoggedAt = 0;
    const logFailure = (request: FastifyRequest, error: unknown): void => {
      if (Date.now() - failureLoggedAt < FAILURE_LOG_INTERVAL_MS) return;
      failureLoggedAt = Date.now();
      request.log.warn({ error }, 'rate limits are not counted: Redis cannot be reached');
    };
    const limiter = (max: number, timeWindow: number, keyGenerator: (request: FastifyRequest) => string): onRequestAsyncHookHandler => {
      const count = app.createRateLimit({ max, timeWindow, keyGenerator });
      return async (request, reply) => {
        const result = await count(request).catch((error: unknown) => logFailure(request, error));
        if (result && !result.isAllowed && result.isExceeded) refuse(reply, result.ttlInSeconds);
      };
    };
    app.decorate('limits', {
      address: limiter(requestsPerSecond, 1_000, (request) => `address:${request.ip}`),
      account: limiter(requestsPerSecond, 1_000, (request) => `account:${accountOf(request).id}`),
      signIn: limiter(signInPerMinute, 60_000, (request) => `sign-in:${request.ip}`),
    });
  },
  { name: 'rate-limits', dependencies: ['authentication'] },
);

function refuse(reply: FastifyReply, retryAfter: number): never {
  const retryAfterSeconds = String(Math.max(1, retryAfter));
  reply.header('retry-after', retryAfterSeconds);
  throw new EngineError('RATE_LIMITED', { retryAfterSeconds });
}
