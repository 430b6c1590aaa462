import { describe, expect, it } from 'vitest';
import { createApiKeySecrets, makeKeyId, secretHashOf } from './api-key-secrets.ts';

const SERVER_KEY = new Uint8Array(32).fill(9);

describe('secrets of API keys', () => {
  it('are the same for the same id under the same server key, and no other', () => {
    const id = makeKeyId();
    expect(id).toMatch(/^ak_[0-9a-f]{32}$/);
    const secret = createApiKeySecrets(SERVER_KEY).secretOf(id);
    expect(secret).toMatch(/^aks_[A-Za-z0-9_-]{43}$/);
    expect(createApiKeySecrets(SERVER_KEY).secretOf(id)).toBe(secret);
    expect(createApiKeySecrets(SERVER_KEY).secretOf(makeKeyId())).not.toBe(secret);
    expect(createApiKeySecrets(new Uint8Array(32)).secretOf(id)).not.toBe(secret);
  });

  it('are neither in their id nor in their hash, nor under the key that seals', () => {
    const secrets = createApiKeySecrets(SERVER_KEY);
    const secret = secrets.secretOf('ak_0');
    expect(secretHashOf(secret)).toMatch(/^[0-9a-f]{64}$/);
    expect(secretHashOf(secret)).not.toContain(secret);
    expect(Buffer.from(secrets.sealKey)).not.toEqual(Buffer.from(SERVER_KEY));
    expect(secret).not.toContain(Buffer.from(secrets.sealKey).toString('base64url'));
  });
});
