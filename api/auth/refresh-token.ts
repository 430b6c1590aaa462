import { createHash, randomBytes } from 'node:crypto';

/** A sign-in lasts this long at most, however often it is refreshed. */
export const SESSION_MS = 30 * 24 * 3_600_000;

/** A new opaque token of 256 random bits. */
export function makeRefreshToken(): string {
  return randomBytes(32).toString('base64url');
}

/** What is stored of it. A fast hash suffices: there is nothing to guess in 256 random bits. */
export function refreshTokenHash(token: string): string {
  return createHash('sha256').update(token, 'utf8').digest('hex');
}

export function makeSessionId(): string {
  return randomBytes(16).toString('hex');
}
