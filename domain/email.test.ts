import { describe, expect, it } from 'vitest';
import { isEmail, normaliseEmail } from './email.ts';

describe('normaliseEmail', () => {
  it('makes one spelling of an address', () => {
    expect(normaliseEmail('  Alice@Example.COM ')).toBe('alice@example.com');
  });
});

describe('isEmail', () => {
  it.each(['alice@example.com', 'a.b+tag@mail.example.co.kr', `${'x'.repeat(64)}@example.com`])('takes %s', (text) => {
    expect(isEmail(text)).toBe(true);
  });
  it.each(['', 'alice', '@example.com', 'alice@', 'alice@localhost', 'al ice@example.com', 'alice@exa_mple.com', 'alice@-example.com', 'alice@example..com', 'аlice@example.com', 'alice@example.com\n', 'a@b@example.com', 'shadow:00ff', `${'x'.repeat(65)}@example.com`, `a@${'x.'.repeat(130)}com`])('refuses %s', (text) => {
    expect(isEmail(text)).toBe(false);
  });
});
