import { EngineError } from '../../domain/errors.ts';

const KEY_LENGTH_MAX = 128;

/**
 * The caller's Idempotency-Key: 1 to 128 visible ASCII characters. Throws `IDEMPOTENCY_KEY_REQUIRED` when it is absent or
 * blank, `VALIDATION_FAILED` when it is anything else.
 */
export function idempotencyKeyFrom(header: string | string[] | undefined): string {
  const key = Array.isArray(header) ? header.join(', ') : header;
  if (key === undefined || key.trim() === '') throw new EngineError('IDEMPOTENCY_KEY_REQUIRED');
  if (key.length > KEY_LENGTH_MAX) throw new EngineError('VALIDATION_FAILED', { field: 'Idempotency-Key', reason: 'too-long' });
  if (!/^[\x21-\x7e]+$/.test(key)) throw new EngineError('VALIDATION_FAILED', { field: 'Idempotency-Key', reason: 'characters' });
  return key;
}
