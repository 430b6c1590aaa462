import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import fp from 'fastify-plugin';
import type { JWK } from 'jose';
import type { Database } from '../../db/client.ts';
import { findSessionUser } from '../../db/repositories/accounts/sessions.ts';
import { EngineError } from '../../domain/errors.ts';
import type { Scope } from '../../domain/scopes.ts';
import type { Role } from '../../domain/status.ts';
import { createAccessTokens, type AccessTokens } from '../auth/access-tokens.ts';
import { isSigned } from '../auth/request-signature.ts';

export interface Account {
  id: number;
  role: Role;
  email: string;
  via: { kind: 'session'; sessionId: string } | { kind: 'key'; keyId: number; scopes: readonly Scope[] };
}

/** Who asks, and whether a new password has to be set before anything else. */
export interface Authenticated {
  account: Account;
  mustChangePassword: boolean;
}

declare module 'fastify' {
  interface FastifyInstance {
    accessTokens: AccessTokens;
    /** an `onRequest` hook: 401 without a valid session or signature, 403 without one of the roles, and for an API key without the scope */
    requireAccount(roles: readonly Role[], scope?: Scope): onRequestAsyncHookHandler;
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

/** Sessions by bearer token, and API keys by signature. What each may do is read from the database on every request: what was ended or taken away acts no more. */
export const authenticationPlugin = fp(
  async (app: FastifyInstance, options: { database: Database; signingJwk: JWK; previousJwks?: readonly JWK[] | undefined }) => {
    const accessTokens = await createAccessTokens(options.signingJwk, options.previousJwks);
    app.decorate('accessTokens', accessTokens);
    app.decorateRequest('account', null);

    const bySession = async (request: FastifyRequest): Promise<Authenticated> => {
      const { accountId, sessionId } = await accessTokens.verify(bearerToken(request.headers.authorization));
      const user = await findSessionUser(options.database, sessionId, accountId, new Date());
      if (!user) throw new EngineError('UNAUTHENTICATED');
      return { account: { id: user.id, role: user.role, email: user.email, via: { kind: 'session', sessionId } }, mustChangePassword: user.mustChangePassword };
    };

    app.decorate('requireAccount', (roles: readonly Role[], scope?: Scope): onRequestAsyncHookHandler => async (request, reply) => {
      let mustChangePassword: boolean;
      try {
        ({ account: request.account, mustChangePassword } = await (isSigned(request.headers) ? app.bySignature(request) : bySession(request)));
      } catch (error) {
        if (error instanceof EngineError && error.code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer');
        throw error;
      }
      const { role, via } = request.account;
      if (!roles.includes(role)) throw new EngineError('FORBIDDEN');
      if (via.kind === 'key' && (scope === undefined || !via.scopes.includes(scope))) throw new EngineError('FORBIDDEN');
      if (mustChangePassword && request.routeOptions.config.access?.initialPassword !== true) throw new EngineError('PASSWORD_CHANGE_REQUIRED');
    });
  },
  { name: 'authentication', dependencies: ['signed-requests'] },
);

/** RFC 6750, 2.1. */
function bearerToken(header: string | undefined): string {
  const token = /^Bearer ([A-Za-z0-9._~+/=-]+)$/i.exec(header ?? '')?.[1];
  if (token === undefined) throw new EngineError('UNAUTHENTICATED');
  return token;
}
