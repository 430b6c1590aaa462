import { importJWK, jwtVerify, SignJWT, type JWK } from 'jose';
import { JOSEError } from 'jose/errors';
import { EngineError } from '../../domain/errors.ts';
import type { Role } from '../../domain/status.ts';

export const ACCESS_TOKEN_SECONDS = 600;
const ISSUER = 'withdrawal-engine';
const AUDIENCE = 'withdrawal-engine-api';
/** RFC 9068: an access token says so, and no other kind of token passes for one. */
const TYPE = 'at+jwt';
const ALGORITHM = 'EdDSA';

export interface AccessTokens {
  issue(account: { id: number; role: Role; sessionId: string }): Promise<string>;
  /** The account and the session a token was issued to. Throws `UNAUTHENTICATED` for a token that is not ours, altered or expired. */
  verify(token: string): Promise<{ accountId: number; sessionId: string }>;
}

/** Issues and checks access tokens. The role inside is for the client only: the database has the last word on each request. */
export async function createAccessTokens(privateJwk: JWK): Promise<AccessTokens> {
  const { d: _secret, ...publicJwk } = privateJwk;
  const privateKey = await importJWK(privateJwk, ALGORITHM);
  const publicKey = await importJWK(publicJwk, ALGORITHM);
  return {
    issue({ id, role, sessionId }) {
      return new SignJWT({ role, sid: sessionId })
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
        .setSubject(String(id))
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(`${ACCESS_TOKEN_SECONDS}s`)
        .sign(privateKey);
    },
    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, publicKey, { algorithms: [ALGORITHM], issuer: ISSUER, audience: AUDIENCE, typ: TYPE, requiredClaims: ['sub', 'exp', 'iat'] });
        return { accountId: accountIdFrom(payload.sub), sessionId: sessionIdFrom(payload['sid']) };
      } catch (error) {
        if (error instanceof JOSEError) throw new EngineError('UNAUTHENTICATED', {}, { cause: error });
        throw error;
      }
    },
  };
}

function sessionIdFrom(claim: unknown): string {
  if (typeof claim !== 'string' || !/^[0-9a-f]{32}$/.test(claim)) throw new EngineError('UNAUTHENTICATED');
  return claim;
}

function accountIdFrom(subject: string | undefined): number {
  if (subject === undefined || !/^[1-9][0-9]{0,9}$/.test(subject)) throw new EngineError('UNAUTHENTICATED');
  return Number(subject);
}
