import { createHash } from 'node:crypto';
import type { NewWithdrawalBody } from '../schemas/withdrawal.ts';

/** SHA-256 as hex. */
export function sha256Hex(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** `1.50` and `1.5` ask for the same; what is no decimal number stays as it is and is refused later. */
function canonicalAmount(amount: string): string {
  return /^[0-9]+\.[0-9]+$/.test(amount) ? amount.replace(/\.?0+$/, '') : amount;
}

/**
 * SHA-256 of what a body asks for, however it is spelled: order of fields, closing zeros and the address's letter case
 * do not matter. It must never change for a body that was once accepted, so it depends on the text alone, not on the
 * asset registry.
 */
export function bodyHash(body: NewWithdrawalBody): string {
  return sha256Hex(JSON.stringify(['withdrawal/1', canonicalAmount(body.amount), body.currency, body.network, body.toAddress.toLowerCase()]));
}
