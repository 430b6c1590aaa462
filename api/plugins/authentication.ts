import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import fp from 'fastify-plugin';
import type { JWK } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Database } from '../../db/client.ts';
import { findUserById, type User } from '../../db/repositories/users.ts';
import { EngineError } from '../../domain/errors.ts';
import type { Role } from '../../domain/status.ts';
import { createAccessTokens, type AccessTokens } from '../auth/access-tokens.ts';

export interface Account {
  id: number;
  role: Role;
  email: string;
}

declare module 'fastify' {
  interface FastifyInstance {
    accessTokens: AccessTokens;
    /** for a route's `onRequest`: 401 without a valid session, 403 without one of the roles */
    requireAccount(roles?: readonly Role[]): onRequestAsyncHookHandler;
  }
  interface FastifyRequest {
    account: Account | null;
  }
}

/** How long a disabled account, or a role taken away, may still act. */
const ACCOUNT_CACHE_MS = 5_000;
const ACCOUNT_CACHE_MAX = 10_000;

/** The account behind a request whose route requires one. */
export function accountOf(request: FastifyRequest): Account {
  if (request.account === null) throw new Error('the route requires no account');
  return request.account;
}

/** Sessions by bearer token. Role and activity come from the database, so that a token outlives neither. */
export const authenticationPlugin = fp(
  async (app: FastifyInstance, options: { database: Database; signingJwk: JWK }) => {
    const accounts = new LRUCache<number, User>({ max: ACCOUNT_CACHE_MAX, ttl: ACCOUNT_CACHE_MS, fetchMethod: (id) => findUserById(options.database, id) });
    const accessTokens = await createAccessTokens(options.signingJwk);
    app.decorate('accessTokens', accessTokens);
    app.decorateRequest('account', null);
    app.decorate('requireAccount', (roles?: readonly Role[]): onRequestAsyncHookHandler => async (request, reply) => {
      try {
        const { accountId } = await accessTokens.verify(bearerToken(request.headers.authorization));
        const user = await accounts.fetch(accountId);
        if (!user?.isActive) throw new EngineError('UNAUTHENTICATED');
        request.account = { id: user.id, role: user.role, email: user.email };
      } catch (error) {
        if (error instanceof EngineError && error.code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer');
        throw error;
      }
      if (roles && !roles.includes(request.account.role)) throw new EngineError('FORBIDDEN');
    });
  },
  { name: 'authentication' },
);

/** RFC 6750, 2.1. */
function bearerToken(header: string | undefined): string {
  const token = /^Bearer ([A-Za-z0-9._~+/=-]+)$/i.exec(header ?? '')?.[1];
  if (token === undefined) throw new EngineError('UNAUTHENTICATED');
  return token;
}
