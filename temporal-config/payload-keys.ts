import { createSecretKey, type KeyObject } from 'node:crypto';

/** One key that payloads are sealed under. */
export interface PayloadKey {
  /** stands in the clear beside each payload, so that the key is found again */
  id: string;
  key: KeyObject;
}

/** The first seals; every one opens. */
export type PayloadKeys = readonly [PayloadKey, ...PayloadKey[]];

/** The word that leaves payloads readable to whoever runs the Temporal server. */
const PLAIN = 'plain';

const KEY_BYTES = 32;
const KEYS_MAX = 16;
const ID = /^[A-Za-z0-9._-]{1,32}$/;
const FORM = `give id:key, the key 32 random bytes in base64, several separated by commas (the first seals, all open), or "${PLAIN}" to seal nothing`;

/**
 * Reads TEMPORAL_PAYLOAD_KEYS. There is no default: a process that was forgotten would write what the others seal.
 * @returns null for `plain`
 * @throws one line that says what is wrong and shows no key
 */
export function payloadKeysFrom(env: NodeJS.ProcessEnv): PayloadKeys | null {
  const text = env['TEMPORAL_PAYLOAD_KEYS']?.trim();
  if (!text) throw new Error(`TEMPORAL_PAYLOAD_KEYS is not set: ${FORM}.`);
  if (text === PLAIN) return null;
  const entries = text.split(',');
  if (entries.length > KEYS_MAX) throw new Error(`TEMPORAL_PAYLOAD_KEYS holds ${entries.length} keys: ${KEYS_MAX} at most.`);
  const [first, ...others] = entries.map((entry, index) => keyFrom(entry.trim(), index + 1)) as [PayloadKey, ...PayloadKey[]];
  const ids = [first, ...others].map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw new Error(`TEMPORAL_PAYLOAD_KEYS names the id ${twice} twice.`);
  return [first, ...others];
}

function keyFrom(entry: string, place: number): PayloadKey {
  const [id = '', text = '', ...more] = entry.split(':');
  const key = Buffer.from(text, 'base64');
  const isWhole = ID.test(id) && more.length === 0 && key.length === KEY_BYTES && key.toString('base64') === text;
  if (!isWhole) throw new Error(`TEMPORAL_PAYLOAD_KEYS is wrong at key ${place}: ${FORM}.`);
  try {
    return { id, key: createSecretKey(key) };
  } finally {
    key.fill(0);
  }
}
