import argon2 from 'argon2';
import { describe, expect, it } from 'vitest';
import { createPasswordVerifier, hashPassword, isSameHash, newRecipe, recipeOf } from './passwords.ts';

const PASSWORD = 'correct horse battery staple';

describe('hashPassword', () => {
  it('is argon2id with 19 MiB, two passes and one lane, as any implementation reads it', async () => {
    const hash = await hashPassword(PASSWORD);
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await argon2.verify(hash, PASSWORD)).toBe(true);
    expect(await argon2.verify(hash, `${PASSWORD}.`)).toBe(false);
  });

  it('salts each anew, and gives the same text by the same recipe', async () => {
    const [first, second] = [await hashPassword(PASSWORD), await hashPassword(PASSWORD)];
    expect(first).not.toBe(second);
    expect(await hashPassword(PASSWORD, recipeOf(first))).toBe(first);
  });

  it('takes a password in either normal form for the same', async () => {
    const recipe = newRecipe();
    expect(await hashPassword('cafe\u0301 au lait noir', recipe)).toBe(await hashPassword('caf\u00e9 au lait noir', recipe));
  });
});

describe('recipeOf', () => {
  it('reads the parameters in any order, and the cost of older hashes', async () => {
    const older = await argon2.hash(PASSWORD, { type: argon2.argon2id, memoryCost: 1_024, timeCost: 3, parallelism: 2 });
    expect(recipeOf(older)).toMatchObject({ memoryKib: 1_024, passes: 3, lanes: 2 });
    expect(isSameHash(older, await hashPassword(PASSWORD, recipeOf(older)))).toBe(true);
  });

  it.each(['none', '', '$2b$10$abcdefghijklmnopqrstuv', '$argon2i$v=19$m=1024,t=2,p=1$AAAA$AAAA', '$argon2id$v=19$m=x,t=2,p=1$AAAA$AAAA'])('is undefined for %s, which is nobody’s hash', (text) => {
    expect(recipeOf(text)).toBeUndefined();
    expect(isSameHash(text, text)).toBe(text.startsWith('$argon2id$'));
  });
});

describe('createPasswordVerifier', () => {
  it('knows the right password, and no other', async () => {
    const passwords = createPasswordVerifier();
    const stored = await hashPassword(PASSWORD);
    expect(await passwords.verify(PASSWORD, stored)).toBe(true);
    expect(await passwords.verify('wrong', stored)).toBe(false);
    expect(await passwords.verify(PASSWORD, 'none')).toBe(false);
  });

  it('refuses what would wait behind two hundred others, and goes on with those', async () => {
    let hashes = 0;
    const passwords = createPasswordVerifier(() => (hashes += 1));
    const cheap = { memoryKib: 8, passes: 1, lanes: 1, salt: Buffer.alloc(16) };
    const results = await Promise.allSettled(Array.from({ length: 300 }, () => passwords.hash(PASSWORD, cheap)));
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.length).toBeGreaterThanOrEqual(90);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'SERVICE_UNAVAILABLE', parameters: { retryAfterSeconds: '5' } });
    expect(hashes).toBe(300 - refused.length);
    expect(await passwords.hash(PASSWORD, cheap)).toContain('$argon2id$');
  });
});
