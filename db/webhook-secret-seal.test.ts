import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeWebhookSecret, openWebhookSecret, sealWebhookSecret } from './webhook-secret-seal.ts';

const key = randomBytes(32);

describe('a sealed webhook secret', () => {
  it('opens for its endpoint under its key, is sealed differently each time, and shows nothing', () => {
    const secret = makeWebhookSecret();
    const [first, second] = [sealWebhookSecret(key, 7, secret), sealWebhookSecret(key, 7, secret)];
    expect([first, second].map((sealed) => openWebhookSecret(key, 7, sealed))).toEqual([secret, secret]);
    expect(first).not.toBe(second);
    expect(Buffer.from(first, 'base64').toString('latin1')).not.toContain(secret.slice(6, 16));
    expect(first.length).toBeLessThanOrEqual(255);
  });

  it('opens nowhere else', () => {
    const sealed = sealWebhookSecret(key, 7, makeWebhookSecret());
    expect(openWebhookSecret(key, 8, sealed)).toBeNull();
    expect(openWebhookSecret(randomBytes(32), 7, sealed)).toBeNull();
    expect(openWebhookSecret(key, 7, '')).toBeNull();
    const bytes = Buffer.from(sealed, 'base64');
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(openWebhookSecret(key, 7, changed.toString('base64'))).toBeNull();
    }
  });

  it('is 32 random bytes behind its prefix; nothing else is sealed', () => {
    const secret = makeWebhookSecret();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(makeWebhookSecret()).not.toBe(secret);
    expect(() => sealWebhookSecret(key, 7, 'whsec_short')).toThrow('not a webhook secret');
  });
});
