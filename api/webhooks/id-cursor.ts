import { EngineError } from '../../domain/errors.ts';

/** Where a page ended that is ordered by id, as an opaque string safe in a URL. */
export function encodeIdCursor(id: number): string {
  return Buffer.from(String(id), 'utf8').toString('base64url');
}

/** Reads a cursor back. Throws `VALIDATION_FAILED` for anything `encodeIdCursor` did not make. */
export function decodeIdCursor(cursor: string): number {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!/^[1-9][0-9]{0,14}$/.test(text) || encodeIdCursor(Number(text)) !== cursor) throw new EngineError('VALIDATION_FAILED', { field: 'cursor', reason: 'unknown-cursor' });
  return Number(text);
}
