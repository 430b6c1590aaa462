import { SigningKey, Transaction } from 'ethers';
import { EngineError } from '../../domain/errors.ts';
import { assertSignedTransaction } from './assert-signed-transaction.ts';
import { SealedKeyError, type SealedKey } from './envelope.ts';
import { withPrivateKey } from './private-key.ts';
import { createSealedKeyCache } from './sealed-key-cache.ts';
import { SecretNotFoundError, SecretStoreRefusedError, SecretStoreUnavailableError, type SecretStore } from './secret-store.ts';
import type { Hex, SignedTransaction, Signer, SignRequest, TransactionToSign } from './signer.ts';

/**
 * Signs with keys that are sealed in a secret store (see `envelope.ts`).
 *
 * The sealed blob, never the opened key, is remembered for ten minutes at most, so that an outage of the store is
 * bridged that long and then stops signing. The opened key lives for one synchronous signature in a buffer that is
 * zeroed; ethers makes a hex string of it meanwhile, which JavaScript cannot erase and leaves to garbage collection:
 * who needs more takes a signer that never holds the key.
 *
 * @param options.keyEncryptionKey 32 bytes, held as long as the signer
 * @param options.nowMs a clock that never steps back, in milliseconds
 */
export function createSecretsManagerSigner(options: {
  readonly secretStore: SecretStore;
  readonly keyEncryptionKey: Buffer;
  readonly nowMs?: () => number;
}): Signer {
  const { keyEncryptionKey } = options;
  const sealedKeys = createSealedKeyCache(options);

  return {
    async signTransaction(request) {
      const unsigned = unsignedTransaction(request);
      try {
        const sealedKey = await sealedKeys.get(request.keyId);
        const signed = sign(unsigned, request, sealedKey, keyEncryptionKey);
        assertSignedTransaction(signed, request);
        return signed;
      } catch (error) {
        if (error instanceof SealedKeyError) sealedKeys.forget(request.keyId);
        throw translate(error, request);
      }
    },
  };
}

function sign(unsigned: Transaction, request: SignRequest, sealedKey: SealedKey, keyEncryptionKey: Buffer): SignedTransaction {
  return withPrivateKey({ sealedKey, keyEncryptionKey, expected: request }, (privateKey) => {
    const signed = unsigned.clone();
    signed.signature = new SigningKey(privateKey).sign(signed.unsignedHash);
    return { rawTransaction: signed.serialized as Hex, txHash: signed.hash as Hex };
  });
}

/** Built, and so checked, before the key is opened. */
function unsignedTransaction({ chainId, transaction }: SignRequest): Transaction {
  const { to, value, data, nonce, gasLimit, maxFeePerGas, maxPriorityFeePerGas } = transaction;
  const problem = problemOf(chainId, transaction);
  if (problem !== null) throw new EngineError('INTERNAL', { reason: 'unsignable-transaction', field: problem });
  try {
    return Transaction.from({ type: 2, to, value, data, nonce, gasLimit, maxFeePerGas, maxPriorityFeePerGas, chainId });
  } catch (cause) {
    throw new EngineError('INTERNAL', { reason: 'unsignable-transaction' }, { cause });
  }
}

/** The first field that no transaction of ours can have, or null. */
function problemOf(chainId: number, transaction: TransactionToSign): string | null {
  if (transaction.chainId !== chainId || !Number.isSafeInteger(chainId) || chainId <= 0) return 'chainId';
  if (!Number.isSafeInteger(transaction.nonce) || transaction.nonce < 0) return 'nonce';
  if (transaction.value < 0n) return 'value';
  if (transaction.gasLimit <= 0n) return 'gasLimit';
  if (transaction.maxPriorityFeePerGas < 0n || transaction.maxPriorityFeePerGas > transaction.maxFeePerGas) return 'maxPriorityFeePerGas';
  return null;
}

function translate(error: unknown, { address }: SignRequest): unknown {
  const reason = keyFailure(error);
  return reason === null ? error : new EngineError('KEY_UNAVAILABLE', { wallet: address, reason }, { cause: error });
}

function keyFailure(error: unknown): string | null {
  if (error instanceof SecretNotFoundError) return 'no-such-key';
  if (error instanceof SecretStoreUnavailableError) return 'secret-store-unavailable';
  if (error instanceof SecretStoreRefusedError) return 'secret-store-refused';
  if (error instanceof SealedKeyError) return `sealed-key-${error.failure.toLowerCase().replace('_', '-')}`;
  return null;
}
