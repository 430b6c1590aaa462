import type { PagePosition } from '../db/repositories/withdrawals/read-withdrawals.ts';
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

/** The same where one text says where a page ended: an address, a number. */
export function encodeTextCursor(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}

/** Reads such a cursor back. Throws `VALIDATION_FAILED` for anything else than a text of that pattern. */
export function decodeTextCursor(cursor: string, pattern: RegExp): string {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!pattern.test(text) || encodeTextCursor(text) !== cursor) throw new EngineError('VALIDATION_FAILED', { field: 'cursor', reason: 'unknown-cursor' });
  return text;
}

/** The same for lists in the order of a number that only rises: an id, a version. */
export function encodeIdCursor(id: number): string {
  return encodeTextCursor(String(id));
}

/** Reads it back. Throws `VALIDATION_FAILED` for anything `encodeIdCursor` did not make. */
export function decodeIdCursor(cursor: string): number {
  return Number(decodeTextCursor(cursor, /^[1-9][0-9]{0,14}$/));
}
