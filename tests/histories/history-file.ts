import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { historyFromJSON, historyToJSON, type History } from '@temporalio/common/lib/proto-utils.js';

const PROJECT_ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A history as text that tells nothing of the machine it was recorded on. */
export function historyText(history: History): string {
  const text = historyToJSON(history)
    .replaceAll(new RegExp(`\\d+@${hostname().replaceAll('.', '\\.')}`, 'g'), 'recorded')
    .replaceAll(PROJECT_ROOT, './');
  const { events } = JSON.parse(text) as { events: unknown[] };
  return `{"events":[\n${events.map((event) => JSON.stringify(event)).join(',\n')}\n]}\n`;
}

export function readHistory(file: string): History {
  return historyFromJSON(JSON.parse(readFileSync(file, 'utf8')));
}
