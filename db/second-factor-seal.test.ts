import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSecondFactorSeal } from './second-factor-seal.ts';

const sealKey = randomBytes(32);
const seal = createSecondFactorSeal(sealKey);
const factor = { userId: 7, version: 2 };
const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

describe('a sealed second factor', () => {
  it('opens for its account and version under keys of the same seal key, is sealed differently each time, and fits its column', () => {
    const sealed = [seal.sealSecret(factor, secret), createSecondFactorSeal(sealKey).sealSecret(factor, secret)];
    expect(sealed.map((text) => seal.openSecret(factor, text))).toEqual([secret, secret]);
    expect(sealed[0]).not.toBe(sealed[1]);
    expect(sealed[0]?.length).toBeLessThanOrEqual(255);
  });

  it('opens nowhere else', () => {
    const sealed = seal.sealSecret(factor, secret);
    expect(seal.openSecret({ ...factor, userId: 8 }, sealed)).toBeNull();
    expect(seal.openSecret({ ...factor, version: 3 }, sealed)).toBeNull();
    expect(createSecondFactorSeal(randomBytes(32)).openSecret(factor, sealed)).toBeNull();
    expect(seal.openSecret(factor, `${sealed.startsWith('A') ? 'B' : 'A'}${sealed.slice(1)}`)).toBeNull();
  });

  it('has recovery codes whose hashes fit one account, version and seal key', () => {
    const code = 'AAAQEAYE7L57Z7P6';
    const hash = seal.hashRecoveryCode(factor, code);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(seal.hashRecoveryCode(factor, code)).toBe(hash);
    const others = [
      seal.hashRecoveryCode({ ...factor, userId: 8 }, code),
      seal.hashRecoveryCode({ ...factor, version: 3 }, code),
      seal.hashRecoveryCode(factor, 'AAAQEAYE7L57Z7P7'),
      createSecondFactorSeal(randomBytes(32)).hashRecoveryCode(factor, code),
    ];
    expect(others).not.toContain(hash);
  });
});
