import { randomBytes } from 'node:crypto';
import { dataConverterFrom } from '../../temporal-config/data-converter.ts';

/** Keys as the sandbox makes them, of this process alone. */
export const PAYLOAD_KEYS = `test:${randomBytes(32).toString('base64')}`;

/** What every client and worker of a test writes and reads with, unless it is about something else. */
export const SEALED_PAYLOADS = dataConverterFrom({ TEMPORAL_PAYLOAD_KEYS: PAYLOAD_KEYS });
export const PLAIN_PAYLOADS = dataConverterFrom({ TEMPORAL_PAYLOAD_KEYS: 'plain' });
