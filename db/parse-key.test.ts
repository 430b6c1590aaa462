import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { parseKey } from './parse-key.ts';

it('reads 32 bytes of base64', () => {
  const key = randomBytes(32);
  expect(parseKey(key.toString('base64'), 'SEAL_KEY')).toEqual(key);
});

it.each([
  ['nothing', ''],
  ['too little', randomBytes(31).toString('base64')],
  ['too much', randomBytes(33).toString('base64')],
  ['hex', randomBytes(32).toString('hex')],
  ['no padding', randomBytes(32).toString('base64').replace('=', '')],
  ['a trailing newline', `${randomBytes(32).toString('base64')}\n`],
  ['base64 with a hole', `${randomBytes(31).toString('base64').slice(0, 40)}!!!=`],
])('refuses %s, naming the variable and quoting nothing', (_what, text) => {
  let message = '';
  try {
    parseKey(text, 'NEW_KEY_ENCRYPTION_KEY');
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message).toMatch(/^NEW_KEY_ENCRYPTION_KEY must be 32 bytes/);
  expect(message).not.toContain(text.trim() || '""');
});
