import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import { sealingCodec } from './payload-codec.ts';
import { payloadKeysFrom } from './payload-keys.ts';

/** For `bundleWorkflowCode`, so that failures made inside workflows are written as outside of them. */
export const FAILURE_CONVERTER_PATH = fileURLToPath(new URL('./failure-converter.ts', import.meta.url));

/**
 * How every client and worker writes to Temporal and reads from it. Throws one line when TEMPORAL_PAYLOAD_KEYS is missing or wrong.
 */
export function dataConverterFrom(env: NodeJS.ProcessEnv): DataConverter {
  const keys = payloadKeysFrom(env);
  return { failureConverterPath: FAILURE_CONVERTER_PATH, payloadCodecs: keys === null ? [] : [sealingCodec(keys)] };
}

/** What a process says at its start when it seals nothing; null when it does. */
export function plainPayloadsWarning({ payloadCodecs }: DataConverter): string | null {
  return (payloadCodecs ?? []).length > 0 ? null : 'TEMPORAL_PAYLOAD_KEYS is "plain": whoever runs the Temporal server can read every payload and error';
}
