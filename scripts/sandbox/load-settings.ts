import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSettings, type Settings } from '../../domain/settings.ts';
import { PROJECT_ROOT } from '../stack/paths.ts';

/** The settings that come with the project; SETTINGS_FILE names others. */
export const SETTINGS_OF_SANDBOX = join(PROJECT_ROOT, 'docker', 'settings', 'sandbox.json');

/** Reads a settings file. Throws one line naming what is wrong with it. */
export function loadSettings(file: string): Settings {
  return parseSettings(readFileSync(file, 'utf8'), file);
}
