import { calculateJwkThumbprint, importJWK, jwtVerify, SignJWT, type CryptoKey, type JWK, type JWTHeaderParameters } from 'jose';
import { JOSEError } from 'jose/errors';
import { EngineError } from '../../domain/errors.ts';
import type { Role } from '../../domain/status.ts';

export const ACCESS_TOKEN_SECONDS = 600;
const ISSUER = 'withdrawal-engine';
const AUDIENCE = 'withdrawal-engine-api';
/** RFC 9068: an access token says so, and no other kind of token passes for one. */
const TYPE = 'at+jwt';
const ALGORITHM = 'EdDSA';

/** A public key as others may see it (RFC 7517). */
export interface PublicJwk {
  kty: string;
  crv: string;
  x: string;
  kid: string;
  alg: string;
  use: 'sig';
}

export interface AccessTokens {
  issue(account: { id: number; role: Role; sessionId: string }): Promise<string>;
  /** The account and the session a token was issued to. Throws `UNAUTHENTICATED` for a token that is not ours, altered or expired. */
  verify(token: string): Promise<{ accountId: number; sessionId: string }>;
  /** The keys whose tokens are accepted, the one that signs first. */
  publicJwks: readonly PublicJwk[];
}

/**
 * Issues and checks access tokens. The role inside is for the client only: the database has the last word on each request. A
 * token names its key by the key's thumbprint (RFC 7638), so that keys can be exchanged while tokens of the one before are used.
 * @param previous keys that sign no more, public or private; needed until the last token by one has ended
 */
export async function createAccessTokens(privateJwk: JWK, previous: readonly JWK[] = []): Promise<AccessTokens> {
  const publicJwks = await Promise.all([privateJwk, ...previous].map(publicJwkOf));
  const keys = new Map(await Promise.all(publicJwks.map(async (jwk) => [jwk.kid, (await importJWK(jwk, ALGORITHM)) as CryptoKey] as const)));
  const privateKey = await importJWK(privateJwk, ALGORITHM);
  const kid = await calculateJwkThumbprint(privateJwk);
  const keyOf = ({ kid: named }: JWTHeaderParameters): CryptoKey => {
    const key = keys.get(named ?? '');
    if (!key) throw new EngineError('UNAUTHENTICATED');
    return key;
  };
  return {
    publicJwks: [...new Map(publicJwks.map((jwk) => [jwk.kid, jwk])).values()],
    issue({ id, role, sessionId }) {
      return new SignJWT({ role, sid: sessionId })
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid })
        .setSubject(String(id))
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(`${ACCESS_TOKEN_SECONDS}s`)
        .sign(privateKey);
    },
    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, keyOf, { algorithms: [ALGORITHM], issuer: ISSUER, audience: AUDIENCE, typ: TYPE, requiredClaims: ['sub', 'exp', 'iat'] });
        return { accountId: accountIdFrom(payload.sub), sessionId: sessionIdFrom(payload['sid']) };
      } catch (error) {
        if (error instanceof JOSEError) throw new EngineError('UNAUTHENTICATED', {}, { cause: error });
        throw error;
      }
    },
  };
}

/** By name, so that nothing of a private key is ever in it. */
async function publicJwkOf(jwk: JWK): Promise<PublicJwk> {
  const { kty = '', crv = '', x = '' } = jwk;
  return { kty, crv, x, kid: await calculateJwkThumbprint({ kty, crv, x }), alg: ALGORITHM, use: 'sig' };
}

function sessionIdFrom(claim: unknown): string {
  if (typeof claim !== 'string' || !/^[0-9a-f]{32}$/.test(claim)) throw new EngineError('UNAUTHENTICATED');
  return claim;
}

function accountIdFrom(subject: string | undefined): number {
  if (subject === undefined || !/^[1-9][0-9]{0,9}$/.test(subject)) throw new EngineError('UNAUTHENTICATED');
  return Number(subject);
}
