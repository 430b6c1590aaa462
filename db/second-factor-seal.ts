import { createHmac } from 'node:crypto';
import { deriveKey } from './derive-key.ts';
import { openText, sealText } from './sealed-text.ts';

/**
 * What is stored of second factors, under keys derived from the API's seal key; another seal key opens
 * none of them, and who can only write the database can plant none. Everything is bound to the account and to the enrolment's
 * version, which only grows: what was replaced never opens again.
 */
export interface SecondFactorSeal {
  sealSecret(factor: FactorIdentity, secret: string): string;
  /** null when the seal key is another, or the row was changed */
  openSecret(factor: FactorIdentity, sealed: string): string | null;
  /** HMAC-SHA-256, hex: what is stored of a recovery code */
  hashRecoveryCode(factor: FactorIdentity, code: string): string;
}

export interface FactorIdentity {
  userId: number;
  version: number;
}

/** @param sealKey 32 bytes */
export function createSecondFactorSeal(sealKey: Uint8Array): SecondFactorSeal {
  const secretKey = deriveKey(sealKey, 'second-factor/1');
  const recoveryKey = deriveKey(sealKey, 'second-factor-recovery/1');
  return {
    sealSecret: (factor, secret) => sealText(secretKey, boundTo(factor), secret),
    openSecret: (factor, sealed) => openText(secretKey, boundTo(factor), sealed),
    hashRecoveryCode: (factor, code) => createHmac('sha256', recoveryKey).update(`${boundTo(factor)}|${code}`, 'utf8').digest('hex'),
  };
}

const boundTo = ({ userId, version }: FactorIdentity): string => `second-factor/1|${userId}|${version}`;
