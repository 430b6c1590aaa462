/**
 * Where sealed keys are kept. A port: another store (a file, Vault, a database) is one new file that implements it and
 * throws these errors. It never sees a plaintext key.
 */

/** A stored value and the mark of its version, for a compare-and-set. */
export interface StoredSecret {
  readonly value: string;
  readonly versionId: string;
}

export interface SecretStore {
  /**
   * Reads the current value.
   * @throws SecretNotFoundError, SecretStoreUnavailableError, SecretStoreRefusedError
   */
  get(name: string): Promise<StoredSecret>;

  /**
   * Stores a new secret. Never overwrites: called twice, the second time fails, and so may a call whose first answer
   * was lost on the way; read the secret to tell.
   * @throws SecretExistsError, SecretStoreUnavailableError, SecretStoreRefusedError
   */
  create(name: string, value: string): Promise<void>;

  /**
   * Replaces the value of an existing secret in three steps: stores the new value beside the current one, hands what
   * the store gives back for it to `verify`, and makes it current only if `verify` returned and `previousVersionId` is
   * still current. The old version is kept as the previous one. If the process dies in the middle the old value is
   * current; calling again is safe.
   * @throws what `verify` throws, SecretNotFoundError, SecretStoreUnavailableError, SecretStoreRefusedError
   */
  replace(name: string, value: string, options: { readonly previousVersionId: string; readonly verify: (stored: string) => void }): Promise<void>;

  /** Names of the current secrets that start with `prefix`. @throws SecretStoreUnavailableError, SecretStoreRefusedError */
  list(prefix: string): Promise<string[]>;
}

/** Any failure of the store. Names the secret, never its value. */
export class SecretStoreError extends Error {
  override readonly name: string = 'SecretStoreError';
  readonly secretName: string;

  constructor(secretName: string, message: string, options?: ErrorOptions) {
    super(`${message}: ${secretName}`, options);
    this.secretName = secretName;
  }
}

/** There is no such secret, or it is being deleted. */
export class SecretNotFoundError extends SecretStoreError {
  override readonly name = 'SecretNotFoundError';
}

/** The name is taken. */
export class SecretExistsError extends SecretStoreError {
  override readonly name = 'SecretExistsError';
}

/** Transient: the store cannot be reached, is slow, throttles or fails inside. The same call may succeed later. */
export class SecretStoreUnavailableError extends SecretStoreError {
  override readonly name = 'SecretStoreUnavailableError';
}

/** The store understood and said no: rights, credentials, or a version that moved on. Retrying alone changes nothing. */
export class SecretStoreRefusedError extends SecretStoreError {
  override readonly name = 'SecretStoreRefusedError';
}
