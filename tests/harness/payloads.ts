import { randomBytes } from 'node:crypto';
import type { Payload } from '@temporalio/common';
import { dataConverterFrom } from '../../temporal-config/data-converter.ts';

/** Keys as the sandbox makes them, of this process alone. */
export const PAYLOAD_KEYS = `test:${randomBytes(32).toString('base64')}`;

/** What every client and worker of a test writes and reads with, unless it is about something else. */
export const SEALED_PAYLOADS = dataConverterFrom({ TEMPORAL_PAYLOAD_KEYS: PAYLOAD_KEYS });
export const PLAIN_PAYLOADS = dataConverterFrom({ TEMPORAL_PAYLOAD_KEYS: 'plain' });

/** What an answer of the server holds in its payloads, wherever they stand, once they are opened. */
export async function openedTexts(answer: unknown): Promise<string[]> {
  const payloads: Payload[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
    if ('metadata' in value && 'data' in value) payloads.push(value as Payload);
    else Object.values(value).forEach(walk);
  };
  walk(answer);
  const opened = (await SEALED_PAYLOADS.payloadCodecs?.[0]?.decode(payloads)) ?? [];
  return opened.map(({ data }) => Buffer.from(data ?? []).toString('utf8'));
}
