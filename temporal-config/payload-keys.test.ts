import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { payloadKeysFrom } from './payload-keys.ts';

const key = (): string => randomBytes(32).toString('base64');

describe('TEMPORAL_PAYLOAD_KEYS', () => {
  it('holds one key or several, the first of which seals', () => {
    expect(payloadKeysFrom({ TEMPORAL_PAYLOAD_KEYS: `2027-01:${key()}, 2026-12:${key()}` })?.map(({ id }) => id)).toEqual(['2027-01', '2026-12']);
  });

  it('is "plain" where nothing is to be sealed, and has no default', () => {
    expect(payloadKeysFrom({ TEMPORAL_PAYLOAD_KEYS: 'plain' })).toBeNull();
    for (const text of [undefined, '', ' ']) expect(() => payloadKeysFrom({ TEMPORAL_PAYLOAD_KEYS: text })).toThrow(/^TEMPORAL_PAYLOAD_KEYS is not set: /);
  });

  const secret = randomBytes(31).toString('base64');
  it.each([
    ['a key without an id', `:${key()}`], ['an id without a key', 'a:'], ['no colon', key()], ['a key too short', `a:${secret}`], ['a key too long', `a:${randomBytes(33).toString('base64')}`],
    ['what is no base64', `a:${'!'.repeat(44)}`], ['base64 with something behind', `a:${key()}?`], ['an id with a space', `a b:${key()}`], ['an empty entry', `a:${key()},`], ['a third part', `a:${key()}:b`],
    ['plain beside a key', `plain,a:${key()}`], ['one id twice', `a:${key()},a:${key()}`], ['more than anyone needs', Array.from({ length: 17 }, (_, index) => `k${index}:${key()}`).join(',')],
  ])('is refused with %s, in one line that shows no key', (_what, text) => {
    const refusal = (() => {
      try {
        payloadKeysFrom({ TEMPORAL_PAYLOAD_KEYS: text });
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    })();
    expect(refusal).toMatch(/^TEMPORAL_PAYLOAD_KEYS [^\n]+\.$/);
    for (const part of text.split(/[,:]/).filter(({ length }) => length > 8)) expect(refusal).not.toContain(part);
  });
});
