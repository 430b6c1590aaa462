import { describe, expect, it } from 'vitest';
import { normalisePassword, PASSWORD_LENGTH_MAX, passwordFault } from './password-rules.ts';

const EMAIL = 'alice.archer@example.com';
const fault = (password: string) => passwordFault(password, EMAIL);

describe('passwordFault', () => {
  it.each(['correct horse battery staple', 'vT9#kQ2!mZ7p', 'the quick brown fox', '하늘을나는고래의노래를', '비밀번호는아주길게쓰자요', '😀😁😂🤣😃😄😅😆😉😊😋😎', 'x'.repeat(5) + 'correct horse', '   long  with  blanks   ', '839105772046'])('takes %s', (password) => {
    expect(fault(password.padEnd(12, '!'))).toBeNull();
  });

  it('counts code points after normalisation, not bytes or UTF-16 units', () => {
    expect(fault('vT9#kQ2!mZ7')).toBe('too-short');
    expect(fault('😀😁😂🤣😃😄😅😆😉😊😋')).toBe('too-short');
    const long = 'vT9#kQ2!'.repeat(40);
    expect(fault(long.slice(0, PASSWORD_LENGTH_MAX))).toBeNull();
    expect(fault(long.slice(0, PASSWORD_LENGTH_MAX + 1))).toBe('too-long');
    // One code point that becomes eighteen.
    expect(fault('\ufdfa')).toBeNull();
  });

  it.each([
    'password1234', 'Password12345', 'P@ssw0rd!2024', 'passwordpassword', 'my-password-is-1', 'qwertyuiop123', 'Qwerty123456!', '1q2w3e4r5t6y', '1qaz2wsx3edc4rfv', 'iloveyou1234', 'welcome12345', 'letmein123456',
    'administrator', 'admin1234567', 'changeme1234', 'test12345678', '123456789012', '098765432109', 'abcdefghijkl', 'lkjihgfedcba', 'aaaaaaaaaaaa', '121212121212', 'abcabcabcabcab', 'hahahahahahaha', '!!!!!!!!!!!!', '123123123123',
    'withdrawal-engine', 'Summer2026!!', 'trustno1trustno1',
  ])('refuses %s as one of those that are tried first', (password) => {
    expect(fault(password)).toBe('too-common');
  });

  it('takes no longer for a long text of common words that ends otherwise', () => {
    const long = `${'passwordchangeme'.repeat(7)}xxxxxx`;
    const before = process.cpuUsage().user;
    expect(fault(long)).toBeNull();
    expect(process.cpuUsage(undefined).user - before).toBeLessThan(100_000);
  });

  it('refuses the address itself, with or without its domain, however it is written', () => {
    for (const password of [EMAIL, EMAIL.toUpperCase(), 'alice.archer', 'alice.archer@example.com1', 'alicearcherexamplecom']) expect(fault(password)).toBe('is-the-address');
    expect(fault('alice archer rows boats')).toBeNull();
  });
});

describe('normalisePassword', () => {
  it('makes one text of what looks the same from two keyboards', () => {
    expect(normalisePassword('e\u0301clair au cafe\u0301')).toBe(normalisePassword('\u00e9clair au caf\u00e9'));
    expect(normalisePassword('ａｂｃ１２３')).toBe('abc123');
  });
});
