import { createHmac } from 'node:crypto';
import { deriveKey } from '../../db/derive-key.ts';
import type { GuessSubjects } from '../../db/repositories/accounts/password-guesses.ts';
import { addressKey } from '../rate-limits/address-key.ts';

const SALT_BYTES = 16;

export interface EmailSecrets {
  /** the salt of an address that no account has: the same each time, so that two who register it at once hash alike */
  salt(email: string): Buffer;
  /** what guesses at an address from an IP address are counted by */
  guessSubjects(email: string, ip: string): GuessSubjects;
}

/** What follows from an e-mail address (in its one spelling), and only here: a key derived from the seal key goes into it. */
export function createEmailSecrets(sealKey: Uint8Array): EmailSecrets {
  const key = deriveKey(sealKey, 'addresses/1');
  const digest = (...parts: string[]): Buffer => createHmac('sha256', key).update(JSON.stringify(parts), 'utf8').digest();
  return {
    salt: (email) => digest('salt', email).subarray(0, SALT_BYTES),
    guessSubjects: (email, ip) => ({ place: digest('place', email, addressKey(ip) ?? ip).toString('hex'), address: digest('address', email).toString('hex') }),
  };
}
