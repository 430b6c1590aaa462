import { readFileSync, statSync } from 'node:fs';

export interface ApiKey {
  /** the key of this moment; a file that cannot be read just now, or is empty, leaves the last one in force */
  read: () => string;
}

/** How long a renewed file may go unseen. */
export const API_KEY_LOOK_MS = 5_000;
/** A header's value: visible ASCII. */
const KEY = /^[\x21-\x7e]{1,8192}$/;

/**
 * Reads TEMPORAL_API_KEY, or the file TEMPORAL_API_KEY_FILE, which is looked at again while the process runs, so that a key is
 * renewed without a restart.
 * @returns null without either
 * @throws one line that names the variable and shows no key
 */
export function apiKeyFrom(env: NodeJS.ProcessEnv, now: () => number = Date.now): ApiKey | null {
  const [value, file] = [env['TEMPORAL_API_KEY'] || undefined, env['TEMPORAL_API_KEY_FILE'] || undefined];
  if (value !== undefined && file !== undefined) throw new Error('TEMPORAL_API_KEY and TEMPORAL_API_KEY_FILE are both set: give one.');
  if (value !== undefined) {
    if (!KEY.test(value)) throw new Error('TEMPORAL_API_KEY is no API key: it holds spaces or characters that no header may.');
    return { read: () => value };
  }
  return file === undefined ? null : fromFile(file, now);
}

function fromFile(file: string, now: () => number): ApiKey {
  const first = keyIn(file);
  if (first === null) throw new Error(`TEMPORAL_API_KEY_FILE ${file} cannot be read, or holds no API key alone on its line.`);
  let { key, changedMs } = first;
  let lookedAt = now();
  return {
    read() {
      if (now() - lookedAt >= API_KEY_LOOK_MS) {
        lookedAt = now();
        const found = keyIn(file, changedMs);
        if (found !== null) ({ key, changedMs } = found);
      }
      return key;
    },
  };
}

/** Null when there is none, or the file has not changed since. */
function keyIn(file: string, unlessChangedMs?: number): { key: string; changedMs: number } | null {
  try {
    const { mtimeMs: changedMs } = statSync(file);
    if (changedMs === unlessChangedMs) return null;
    const key = readFileSync(file, 'utf8').trim();
    return KEY.test(key) ? { key, changedMs } : null;
  } catch {
    return null;
  }
}
