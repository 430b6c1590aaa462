import { readFileSync } from 'node:fs';
import { historyFromJSON, historyToJSON, type History } from '@temporalio/common/lib/proto-utils.js';

/** A history as text that tells nothing of the machine it was recorded on. */
export function historyText(history: History): string {
  const plain = JSON.parse(historyToJSON(history), (key, value: unknown) => (key === 'identity' && typeof value === 'string' ? 'recorded' : value)) as { events: unknown[] };
  return `{"events":[\n${plain.events.map((event) => JSON.stringify(event)).join(',\n')}\n]}\n`;
}

export function readHistory(file: string): History {
  return historyFromJSON(JSON.parse(readFileSync(file, 'utf8')));
}
