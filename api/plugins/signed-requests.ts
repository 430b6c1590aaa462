import { createHash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Database } from '../../db/client.ts';
import { forgetRequestNonces, takeRequestNonce } from '../../db/repositories/accounts/api-key-nonces.ts';
import { findApiKey, isUseDue, noteUse, type ApiKeyRow } from '../../db/repositories/accounts/api-keys.ts';
import { apiKeySealHolds } from '../../domain/api-keys.ts';
import { EngineError } from '../../domain/errors.ts';
import { isInAllowlist } from '../../domain/ip-allowlist.ts';
import type { ApiKeySecrets } from '../auth/api-key-secrets.ts';
import { secretHashOf } from '../auth/api-key-secrets.ts';
import { isTimely, readSignature, signatureHolds } from '../auth/request-signature.ts';
import type { Authenticated } from './authentication.ts';

/** Far longer than a signature is believed: no clock of ours is that wrong. */
const NONCES_KEPT_MS = 10 * 60_000;

declare module 'fastify' {
  interface FastifyInstance {
    /** the owner of the API key that signed a request; `UNAUTHENTICATED` for every reason alike, which the log names */
    bySignature(request: FastifyRequest): Promise<Authenticated>;
  }
  interface FastifyRequest {
    /** what a signature says of the body that is still to come */
    signedDigest: string | null;
  }
}

/**
 * Requests signed with an API key. The signature is judged from the header alone, before the database is asked, and takes the
 * same work for a key that does not exist; the body is held against its signed digest before anything reads it. A nonce is
 * taken in the database: what a flush of Redis or a restart forgets is nothing.
 */
export const signedRequestsPlugin = fp(
  async (app: FastifyInstance, options: { database: Database; secrets: ApiKeySecrets }) => {
    const { database, secrets } = options;
    const writing = new Set<Promise<void>>();
    app.addHook('onClose', () => Promise.all(writing));
    app.decorateRequest('signedDigest', null);

    app.decorate('bySignature', async (request: FastifyRequest): Promise<Authenticated> => {
      const now = new Date();
      if (request.headers.authorization !== undefined) refuse(request, 'two-credentials');
      const signature = readSignature({ method: request.method, target: request.raw.url ?? '', headers: request.headers });
      if (!signature) refuse(request, 'form');
      const { keyId, nonce, signedAt } = signature;
      if (!isTimely(signature, now)) refuse(request, 'time', keyId);
      const secret = secrets.secretOf(keyId);
      if (!signatureHolds(signature, secret)) refuse(request, 'signature', keyId);
      const found = await findApiKey(database, keyId);
      if (!found) refuse(request, 'unknown-key', keyId);
      const { key, owner } = found;
      if (key.secretHash !== secretHashOf(secret) || !apiKeySealHolds(secrets.sealKey, key, key.seal)) refuse(request, 'row-changed', keyId);
      if (key.revokedAt !== null) refuse(request, 'revoked', keyId);
      if (key.expiresAt !== null && key.expiresAt <= now) refuse(request, 'expired', keyId);
      if (!owner.isActive) refuse(request, 'owner-inactive', keyId);
      if (key.ipAllowlist !== null && !isInAllowlist(request.ip, key.ipAllowlist)) refuse(request, 'address', keyId);
      if (!(await takeRequestNonce(database, { keyId: key.id, nonce, signedAt }))) refuse(request, 'replay', keyId);
      if (isUseDue(key, now)) noteInBackground(request, key, now);
      request.signedDigest = signature.digest;
      return { account: { id: owner.id, role: owner.role, email: owner.email, via: { kind: 'key', keyId: key.id, scopes: key.scopes } }, mustChangePassword: owner.mustChangePassword };
    });

    app.addHook('preParsing', async (request, reply, payload) => {
      const { signedDigest } = request;
      if (signedDigest === null) return payload;
      const check = new DigestCheck(signedDigest, () => {
        reply.header('www-authenticate', 'Bearer');
        refuse(request, 'digest');
      });
      payload.once('error', (error) => check.destroy(error));
      return payload.pipe(check);
    });

    /** The last use, once a minute, and the nonces nobody can use any more. The request does not wait for it. */
    const noteInBackground = (request: FastifyRequest, key: ApiKeyRow, now: Date): void => {
      const write = async (): Promise<void> => {
        try {
          if (await noteUse(database, key.id, { from: request.ip, now })) await forgetRequestNonces(database, new Date(now.getTime() - NONCES_KEPT_MS));
        } catch (error) {
          request.log.warn({ error, keyId: key.keyId }, 'the use of an API key could not be noted');
        }
      };
      const written = write().finally(() => writing.delete(written));
      writing.add(written);
    };
  },
  { name: 'signed-requests' },
);

function refuse(request: FastifyRequest, reason: string, keyId?: string): never {
  request.log.info({ reason, ...(keyId !== undefined && { keyId }) }, 'signed request refused');
  throw new EngineError('UNAUTHENTICATED');
}

/** Passes a body on as it comes, and ends in an error where it was not the one that was signed (RFC 9530, sha-256). */
class DigestCheck extends Transform {
  readonly #hash = createHash('sha256');
  readonly #expected: string;
  readonly #onMismatch: () => never;

  constructor(expected: string, onMismatch: () => never) {
    super();
    this.#expected = expected;
    this.#onMismatch = onMismatch;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#hash.update(chunk);
    done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    try {
      if (`sha-256=:${this.#hash.digest('base64')}:` !== this.#expected) this.#onMismatch();
      done();
    } catch (error) {
      done(error as Error);
    }
  }
}
