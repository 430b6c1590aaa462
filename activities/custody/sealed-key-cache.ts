import { parseSealedKey, type SealedKey } from './envelope.ts';
import { SecretStoreUnavailableError, type SecretStore } from './secret-store.ts';

/** A blob younger than this is used without asking the store. */
const REFRESH_AFTER_MS = 60_000;
/** While the store is out, a blob is used until this long after it was last read; then signing stops. */
const KEEP_MS = 10 * 60_000;
/** While the store is out, it is asked again no sooner than this: each try may take its whole time limit. */
const RETRY_AFTER_MS = 15_000;
const ENTRIES_MAX = 1_000;

interface Entry {
  readonly sealedKey: SealedKey;
  readonly readAtMs: number;
  failedAtMs: number;
}

export interface SealedKeyCache {
  /** @throws SecretStoreError, SealedKeyError `MALFORMED` */
  get(keyId: string): Promise<SealedKey>;
  /** Forgets a blob that does not open, so that a repaired one is read at once. */
  forget(keyId: string): void;
}

/**
 * Remembers sealed keys, never opened ones, so that an outage of the secret store does not stop signing at once. Only
 * an outage is bridged: a key that the store says is gone or forbidden is forgotten at once.
 *
 * @param options.nowMs a clock that never steps back, in milliseconds
 */
export function createSealedKeyCache(options: { readonly secretStore: SecretStore; readonly nowMs?: () => number }): SealedKeyCache {
  const { secretStore, nowMs = () => performance.now() } = options;
  const entries = new Map<string, Entry>();
  const reading = new Map<string, Promise<SealedKey>>();

  const isFresh = (entry: Entry): boolean => nowMs() - entry.readAtMs < REFRESH_AFTER_MS;
  const isUsable = (entry: Entry): boolean => nowMs() - entry.readAtMs < KEEP_MS;

  async function read(keyId: string): Promise<SealedKey> {
    try {
      const sealedKey = parseSealedKey((await secretStore.get(keyId)).value);
      remember(keyId, sealedKey);
      return sealedKey;
    } catch (error) {
      const entry = entries.get(keyId);
      if (entry !== undefined && error instanceof SecretStoreUnavailableError && isUsable(entry)) {
        entry.failedAtMs = nowMs();
        return entry.sealedKey;
      }
      entries.delete(keyId);
      throw error;
    }
  }

  function remember(keyId: string, sealedKey: SealedKey): void {
    entries.delete(keyId);
    const [oldest] = entries.keys();
    if (entries.size >= ENTRIES_MAX && oldest !== undefined) entries.delete(oldest);
    entries.set(keyId, { sealedKey, readAtMs: nowMs(), failedAtMs: Number.NEGATIVE_INFINITY });
  }

  return {
    async get(keyId) {
      const entry = entries.get(keyId);
      if (entry !== undefined && (isFresh(entry) || (isUsable(entry) && nowMs() - entry.failedAtMs < RETRY_AFTER_MS))) {
        return entry.sealedKey;
      }
      const underWay = reading.get(keyId);
      if (underWay !== undefined) return underWay;
      const started = read(keyId).finally(() => reading.delete(keyId));
      reading.set(keyId, started);
      return started;
    },
    forget: (keyId) => {
      entries.delete(keyId);
    },
  };
}
