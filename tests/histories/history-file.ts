import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { historyFromJSON, historyToJSON, type History } from '@temporalio/common/lib/proto-utils.js';

/** A history as text that tells nothing of the machine it was recorded on. */
export function historyText(history: History): string {
  const { events } = JSON.parse(historyToJSON(history).replaceAll(new RegExp(`\\d+@${hostname().replaceAll('.', '\\.')}`, 'g'), 'recorded')) as { events: unknown[] };
  return `{"events":[\n${events.map((event) => JSON.stringify(event)).join(',\n')}\n]}\n`;
}

export function readHistory(file: string): History {
  return historyFromJSON(JSON.parse(readFileSync(file, 'utf8')));
}
