import { describe, expect, it } from 'vitest';
import { decodeCursor, decodeNumberCursor, encodeCursor, encodeNumberCursor } from './pagination-cursor.ts';

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

describe('a cursor of a number', () => {
  it('comes back as it was', () => {
    for (const last of [1, 41, 999_999_999_999_999]) expect(decodeNumberCursor(encodeNumberCursor(last))).toBe(last);
  });

  it.each(['', 'xyz', 'MA', encodeNumberCursor(0), encodeNumberCursor(-1), encodeNumberCursor(1.5), `${encodeNumberCursor(12)}=`, Buffer.from('012').toString('base64url'), Buffer.from('1 OR 1=1').toString('base64url')])('refuses %j', (cursor) => {
    expect(() => decodeNumberCursor(cursor)).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED' }));
  });
});
