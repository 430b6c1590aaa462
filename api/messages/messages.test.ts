import { describe, expect, it } from 'vitest';
import { ERROR_CODES, stopsWithdrawals } from '../../domain/errors.ts';
import { adviceEn } from './advice-en.ts';
import { LANGUAGES, languageOf, messagesIn } from './language.ts';
import type { Messages } from './messages.ts';

describe('messages', () => {
  it.each(LANGUAGES)('%s has a whole sentence for every code, with and without parameters', (language) => {
    for (const code of ERROR_CODES) {
      for (const parameters of [{}, { reason: 'unheard-of' }]) {
        const sentence = messagesIn(language).errors[code](parameters);
        expect(sentence.length).toBeGreaterThan(5);
        expect(sentence).not.toMatch(/undefined|\$\{/);
        expect(/[가-힣]/.test(sentence)).toBe(language === 'ko');
      }
    }
  });

  it.each(LANGUAGES)('%s has cause and next step for every code that can stop a withdrawal', (language) => {
    const { advice } = messagesIn(language);
    for (const code of ERROR_CODES.filter((each) => stopsWithdrawals(each))) {
      for (const sentence of [advice[code].cause, advice[code].nextStep]) {
        expect(sentence).toMatch(/[.]$/);
        expect(/[가-힣]/.test(sentence)).toBe(language === 'ko');
      }
    }
  });

  it('does not compile without an advice for one of them', () => {
    const { KEY_INVALID, ...others } = adviceEn;
    // @ts-expect-error Without this error a code could be added that tells operators nothing.
    const incomplete: Messages['advice'] = others;
    expect(Object.keys(incomplete)).toHaveLength(Object.keys({ ...others, KEY_INVALID }).length - 1);
  });

  it('puts the parameters into the sentence', () => {
    expect(messagesIn('en').errors.LIMIT_EXCEEDED({ maximum: '999', currency: 'USDC' })).toContain('999 USDC');
    expect(messagesIn('ko').errors.INVALID_AMOUNT({ reason: 'decimals', decimals: '6' })).toContain('6자리');
  });
});

describe('languageOf', () => {
  it.each([
    [undefined, 'ko'],
    ['', 'ko'],
    ['en', 'en'],
    ['en-US,en;q=0.9', 'en'],
    ['ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7', 'ko'],
    ['ko;q=0.5, en;q=0.6', 'en'],
    ['en;q=0', 'ko'],
    ['fr, de;q=0.5', 'ko'],
    ['fr, en;q=0.1', 'en'],
    ['*', 'ko'],
    ['not a header;;;q=x', 'ko'],
  ] as const)('reads %s as %s', (header, language) => {
    expect(languageOf(header)).toBe(language);
  });
});
