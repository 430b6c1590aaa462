import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import fp from 'fastify-plugin';
import type { JWK } from 'jose';
import type { Database } from '../../db/client.ts';
import { findSessionUser } from '../../db/repositories/sessions.ts';
import { EngineError } from '../../domain/errors.ts';
import type { Role } from '../../domain/status.ts';
import { createAccessTokens, type AccessTokens } from '../auth/access-tokens.ts';

export interface Account {
  id: number;
  role: Role;
  email: string;
  via: { kind: 'session'; sessionId: string } | { kind: 'key'; keyId: number };
}

declare module 'fastify' {
  interface FastifyInstance {
    accessTokens: AccessTokens;
    /** an `onRequest` hook: 401 without a valid session, 403 without one of the roles */
    requireAccount(roles: readonly Role[]): onRequestAsyncHookHandler;
  }
  interface FastifyRequest {
    account: Account | null;
  }
}

/** The account behind a request whose route requires one. */
export function accountOf(request: FastifyRequest): Account {
  if (request.account === null) throw new Error('the route requires no account');
  return request.account;
}

/** Sessions by bearer token. Session, role and activity are read from the database on every request: what was ended or taken away acts no more. */
export const authenticationPlugin = fp(
  async (app: FastifyInstance, options: { database: Database; signingJwk: JWK; previousJwks?: readonly JWK[] | undefined }) => {
    const accessTokens = await createAccessTokens(options.signingJwk, options.previousJwks);
    app.decorate('accessTokens', accessTokens);
    app.decorateRequest('account', null);
    app.decorate('requireAccount', (roles: readonly Role[]): onRequestAsyncHookHandler => async (request, reply) => {
      let mustChangePassword: boolean;
      try {
        const { accountId, sessionId } = await accessTokens.verify(bearerToken(request.headers.authorization));
        const user = await findSessionUser(options.database, sessionId, accountId, new Date());
        if (!user) throw new EngineError('UNAUTHENTICATED');
        request.account = { id: user.id, role: user.role, email: user.email, via: { kind: 'session', sessionId } };
        ({ mustChangePassword } = user);
      } catch (error) {
        if (error instanceof EngineError && error.code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer');
        throw error;
      }
      if (!roles.includes(request.account.role)) throw new EngineError('FORBIDDEN');
      if (mustChangePassword && request.routeOptions.config.access?.initialPassword !== true) throw new EngineError('PASSWORD_CHANGE_REQUIRED');
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
