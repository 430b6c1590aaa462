import { Secret, TOTP } from 'otpauth/slim';

/**
 * The second factor: one-time passwords by time (RFC 6238 over RFC 4226) as every authenticator app reads them, and recovery
 * codes for whoever lost theirs. Rules only; who calls holds the account's row, so that two calls judge one after the other.
 */

const PROFILE = { algorithm: 'SHA1', digits: 6, period: 30 } as const;
/** RFC 6238, 5.2: one step either way, for clocks that differ and people who type. */
const WINDOW_STEPS = 1;
const ISSUER = 'Withdrawal engine';

/** RFC 4226, 4 (R6): 160 bits are recommended. */
export const SECRET_BYTES = 20;
export const RECOVERY_CODE_BYTES = 10;
export const RECOVERY_CODES = 10;

/** How long a session may act after its factor was shown. */
const SHOWN_MS = 15 * 60_000;

/** Typing errors cost nothing; from the fifth wrong one in a row each doubles the wait. */
const WRONG_FREE = 4;
const WAIT_MS_FIRST = 1_000;
/** Three of a million codes hold at once, so a day of guessing finds one with odds of 1 to 3,000; and nobody is kept out for long. */
const WAIT_MS_MAX = 15 * 60_000;

/** Bytes as people type them: base32 (RFC 4648). */
export function base32Of(bytes: Uint8Array): string {
  return new Secret({ buffer: Uint8Array.from(bytes).buffer }).base32;
}

/** What an authenticator app reads, often as a QR code: the key URI format, `otpauth://totp/…`. */
export function keyUri(account: { email: string; secret: string }): string {
  return new TOTP({ ...PROFILE, issuer: ISSUER, label: account.email, secret: Secret.fromBase32(account.secret) }).toString();
}

/**
 * The time step that a code stands for, or null where it stands for none that may still be used. RFC 6238, 5.2: a code is
 * accepted once, so no step up to the last accepted one is; the caller stores the step before it acts on it.
 * @param secret base32
 * @param lastStep of this secret; null before the first
 */
export function acceptedStep({ secret, code, now, lastStep }: { secret: string; code: string; now: Date; lastStep: number | null }): number | null {
  const timestamp = now.getTime();
  const delta = TOTP.validate({ ...PROFILE, token: code, secret: Secret.fromBase32(secret), timestamp, window: WINDOW_STEPS });
  if (delta === null) return null;
  const step = TOTP.counter({ period: PROFILE.period, timestamp }) + delta;
  return lastStep !== null && step <= lastStep ? null : step;
}

export type ShownCode = { kind: 'one-time'; code: string } | { kind: 'recovery'; code: string };

/** A recovery code as it is shown: 80 bits in four groups. */
export function recoveryCodeOf(bytes: Uint8Array): string {
  if (bytes.length !== RECOVERY_CODE_BYTES) throw new Error(`a recovery code is ${RECOVERY_CODE_BYTES} bytes`);
  return base32Of(bytes).replaceAll(/.{4}(?!$)/g, '$&-');
}

/** What a person typed, in the one spelling of its kind; null for what can be neither. */
export function readCode(text: string): ShownCode | null {
  const code = text.replaceAll(/[\s-]/g, '').toUpperCase();
  if (/^[0-9]{6}$/.test(code)) return { kind: 'one-time', code };
  return /^[A-Z2-7]{16}$/.test(code) ? { kind: 'recovery', code } : null;
}

/** How long nothing is judged after so many wrong tries in a row, in ms. It ends by itself: no number of them shuts an account out for good. */
export function waitAfterMs(wrongInARow: number): number {
  return wrongInARow <= WRONG_FREE ? 0 : Math.min(WAIT_MS_MAX, WAIT_MS_FIRST * 2 ** (wrongInARow - WRONG_FREE - 1));
}

/** Until when a session may act whose factor was shown then. */
export function shownUntil(shownAt: Date): Date {
  return new Date(shownAt.getTime() + SHOWN_MS);
}
