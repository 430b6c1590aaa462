import { readFileSync } from 'node:fs';
import { parseSettings, type Settings } from '../../domain/settings.ts';

/** Reads a settings file. Throws one line naming what is wrong with it. */
export function loadSettings(file: string): Settings {
  return parseSettings(readFileSync(file, 'utf8'), file);
}
