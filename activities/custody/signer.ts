/** `0x` and hex digits. */
export type Hex = `0x${string}`;

/** An EIP-1559 (type 2) transaction to sign. Amounts in wei. */
export interface TransactionToSign {
  /** EIP-55, or all in lower case. Contracts are never created here. */
  readonly to: string;
  readonly value: bigint;
  /** Call data; `0x` for none. */
  readonly data: Hex;
  readonly nonce: number;
  readonly gasLimit: bigint;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
  readonly chainId: number;
}

export interface SignRequest {
  /** `wallets.key_id`: where this signer finds the key. What it looks like is the signer's own affair. */
  readonly keyId: string;
  readonly chainId: number;
  /** The wallet that must come out as the sender. */
  readonly address: string;
  readonly transaction: TransactionToSign;
}

export interface SignedTransaction {
  /** The bytes to send (EIP-2718 envelope). */
  readonly rawTransaction: Hex;
  /** keccak-256 of those bytes. */
  readonly txHash: Hex;
}

/**
 * Signs with a wallet's key. It decides nothing: that the payment is due, sealed, approved and has its nonce is the
 * caller's to know before asking, and the caller stores the bytes before they are sent.
 *
 * Another custody is one new file with this one method. AWS KMS: `keyId` is the key's ARN; sign the unsigned hash,
 * turn the DER signature into r and s, fold s into the lower half of the order (EIP-2), try both parities for the
 * address. A remote signer (Web3Signer's `eth_signTransaction`): `keyId` is its URL or key name. Whoever signed, pass
 * the result through `assertSignedTransaction` before returning it, bound every call in time, and zero what key
 * material you hold.
 * `describeSigner` in `signer.testkit.ts` is the contract as tests: run it against the new one.
 */
export interface Signer {
  /**
   * Nothing is stored, so it may be called any number of times; a deterministic signer (RFC 6979) then gives the same
   * bytes, one in KMS gives other bytes with another hash for the same payment and nonce.
   *
   * @throws EngineError `KEY_UNAVAILABLE` (parameter `reason`) where the key cannot be had, opened or is not the
   *   wallet's: nothing was signed
   * @throws EngineError `INTERNAL` where the transaction cannot be signed as asked, or what was signed is not what was
   *   asked: nothing is returned
   */
  signTransaction(request: SignRequest): Promise<SignedTransaction>;
}
