import { computeAddress, SigningKey } from 'ethers';
import type { Address } from '../../domain/address.ts';
import { openSealedKey, SealedKeyError, type KeyIdentity, type SealedKey } from './envelope.ts';

/** The order of secp256k1 (SEC 2, 2.4.1): private keys run from 1 to one less. */
const CURVE_ORDER = Buffer.from('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141', 'hex');
const ZERO = Buffer.alloc(32);

/** Whether these bytes are a private key of secp256k1. */
export function isPrivateKey(bytes: Buffer): boolean {
  return bytes.length === CURVE_ORDER.length && bytes.compare(ZERO) > 0 && bytes.compare(CURVE_ORDER) < 0;
}

/** The address a private key controls. The key must be a valid one. */
export function addressOfPrivateKey(privateKey: Buffer): Address {
  return computeAddress(new SigningKey(privateKey).publicKey) as Address;
}

/**
 * Opens a sealed key, checks that it is the key of the expected address, hands it to `use` and zeroes it, whatever
 * happens. `use` must not keep it and must be synchronous. The only way a private key is reached in this project.
 *
 * @throws SealedKeyError, or what `use` throws
 */
export function withPrivateKey<Result>(
  input: { readonly sealedKey: SealedKey; readonly keyEncryptionKey: Buffer; readonly expected: KeyIdentity },
  use: (privateKey: Buffer) => Result,
): Result {
  const privateKey = openSealedKey(input);
  try {
    if (!isPrivateKey(privateKey) || addressOfPrivateKey(privateKey).toLowerCase() !== input.expected.address.toLowerCase()) {
      throw new SealedKeyError('WRONG_KEY', 'the sealed key is not the key of its address');
    }
    return use(privateKey);
  } finally {
    privateKey.fill(0);
  }
}
