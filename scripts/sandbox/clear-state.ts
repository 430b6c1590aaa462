import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { StatePaths } from '../stack/paths.ts';
import { chainOfState } from './chain-of-state.ts';

const KEPT = 'kept-keys-';
/** What opens and holds the keys of hot wallets. */
const KEYS = ['secrets', 'moto'];

/**
 * Clears a state directory that nothing runs on. Keys of wallets on a chain of the user's own are set aside, as what lies in those wallets
 * outlives the directory; what was set aside before stays. Called twice, the second call finds nothing to do; killed in the middle, the
 * next call goes on.
 * @returns where keys were set aside, if they were
 */
export function clearState(paths: StatePaths, now: Date): string | undefined {
  // SANDBOX_DIR may name any directory: only one that a start made is emptied.
  if (!existsSync(paths.run)) return undefined;
  const keys = chainOfState(paths) === 'own' ? KEYS.filter((name) => existsSync(join(paths.root, name))) : [];
  const kept = join(paths.root, `${KEPT}${now.toISOString().replaceAll(':', '-')}`);
  if (keys.length > 0) mkdirSync(kept, { mode: 0o700 });
  for (const name of keys) renameSync(join(paths.root, name), join(kept, name));
  for (const entry of readdirSync(paths.root)) if (!entry.startsWith(KEPT)) rmSync(join(paths.root, entry), { recursive: true, force: true });
  return keys.length > 0 ? kept : undefined;
}
