import type { PagePosition } from '../db/repositories/read-withdrawals.ts';
import { EngineError } from '../domain/errors.ts';
import { isRequestId } from '../domain/request-id.ts';

/** Where a page ended, as an opaque string safe in a URL. */
export function encodeCursor(position: PagePosition): string {
  return Buffer.from(`${position.createdAt.getTime()}.${position.requestId}`, 'utf8').toString('base64url');
}

/** Reads a cursor back. Throws `VALIDATION_FAILED` for anything `encodeCursor` did not make. */
export function decodeCursor(cursor: string): PagePosition {
  const [, milliseconds, requestId] = /^([0-9]{1,15})\.(.+)$/.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? [];
  const position = milliseconds !== undefined && requestId !== undefined && isRequestId(requestId) ? { createdAt: new Date(Number(milliseconds)), requestId } : undefined;
  if (!position || encodeCursor(position) !== cursor) throw new EngineError('VALIDATION_FAILED', { field: 'cursor', reason: 'unknown-cursor' });
  return position;
}

/** The same for a list in the order of its rows' ids. */
export function encodeIdCursor(id: number): string {
  return Buffer.from(String(id), 'utf8').toString('base64url');
}

/** Reads it back. Throws `VALIDATION_FAILED` for anything `encodeIdCursor` did not make. */
export function decodeIdCursor(cursor: string): number {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!/^[1-9][0-9]{0,14}$/.test(text) || encodeIdCursor(Number(text)) !== cursor) throw new EngineError('VALIDATION_FAILED', { field: 'cursor', reason: 'unknown-cursor' });
  return Number(text);
}
