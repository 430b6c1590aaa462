import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { EngineError } from './errors.ts';

/** An EVM address in its EIP-55 checksummed spelling. */
export type Address = `0x${string}` & { readonly __kind: 'address' };

export const ZERO_ADDRESS = '0x0000000000000000000000000000000000000000' as Address;

/** EIP-55 spelling of forty hex digits. https://eips.ethereum.org/EIPS/eip-55 */
function checksum(lowerHex: string): Address {
  const hash = bytesToHex(keccak_256(utf8ToBytes(lowerHex)));
  const spelled = Array.from(lowerHex).map((digit, index) => (Number.parseInt(hash[index] ?? '0', 16) >= 8 ? digit.toUpperCase() : digit));
  return `0x${spelled.join('')}` as Address;
}

/**
 * Reads an address as a person writes it: all lower case is taken as it is, anything else must hold its EIP-55
 * checksum. Throws `INVALID_ADDRESS` (reason `format` or `checksum`). Says nothing about who may be paid.
 */
export function parseAddress(text: string): Address {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text)) throw new EngineError('INVALID_ADDRESS', { reason: 'format' });
  const lower = text.slice(2).toLowerCase();
  const spelled = checksum(lower);
  if (text.slice(2) !== lower && text !== spelled) throw new EngineError('INVALID_ADDRESS', { reason: 'checksum' });
  return spelled;
}

/** True when both name the same account, however they are spelled. */
export function sameAddress(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}

/**
 * Refuses recipients no withdrawal may name: the zero address, the token's own contract, one of our wallets.
 * Throws `INVALID_ADDRESS` with the reason.
 */
export function assertPayable(to: Address, context: { tokenAddress: string | null; ownWallets: readonly string[] }): void {
  if (sameAddress(to, ZERO_ADDRESS)) throw new EngineError('INVALID_ADDRESS', { reason: 'zero-address' });
  if (context.tokenAddress !== null && sameAddress(to, context.tokenAddress)) throw new EngineError('INVALID_ADDRESS', { reason: 'token-address' });
  if (context.ownWallets.some((wallet) => sameAddress(wallet, to))) throw new EngineError('INVALID_ADDRESS', { reason: 'own-wallet' });
}
