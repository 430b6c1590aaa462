import { describe, expect, it } from 'vitest';
import { decodeCursor, decodeIdCursor, encodeCursor, encodeIdCursor } from './pagination-cursor.ts';

const position = { createdAt: new Date('2026-11-24T04:20:00.123Z'), requestId: 'tx-1795494000123-0123456789abcdef0123' };

describe('cursor', () => {
  it('brings the position back, to the millisecond', () => {
    expect(decodeCursor(encodeCursor(position))).toEqual(position);
    expect(encodeCursor(position)).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  it.each(['', 'x', '0', 'bm90LWEtY3Vyc29y', Buffer.from('1.tx-1').toString('base64url'), `${encodeCursor(position)}=`, `${encodeCursor(position)}A`, '💣'])('refuses %s', (cursor) => {
    expect(() => decodeCursor(cursor)).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED', parameters: { field: 'cursor', reason: 'unknown-cursor' } }));
  });
});

describe('cursor of ids', () => {
  it('brings the id back', () => {
    expect(decodeIdCursor(encodeIdCursor(4_711))).toBe(4_711);
  });

  it.each(['', 'x', '0', Buffer.from('0').toString('base64url'), Buffer.from('01').toString('base64url'), Buffer.from('1.5').toString('base64url'), `${encodeIdCursor(7)}=`])('refuses %s', (cursor) => {
    expect(() => decodeIdCursor(cursor)).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED', parameters: { field: 'cursor', reason: 'unknown-cursor' } }));
  });
});
