import { describe, expect, it } from 'vitest';
import { apiKeySealHolds, sealApiKey, type SealedKeyFacts } from './api-keys.ts';

const KEY = new Uint8Array(32).fill(7);
const FACTS: SealedKeyFacts = { keyId: 'ak_0', ownerId: 3, scopes: ['withdrawals:read'], ipAllowlist: ['192.0.2.0/24'], expiresAt: new Date('2027-01-01T00:00:00.000Z') };

describe('the seal of an API key', () => {
  it('holds for the same facts only', () => {
    const seal = sealApiKey(KEY, FACTS);
    expect(apiKeySealHolds(KEY, { ...FACTS }, seal)).toBe(true);
    const changes: Partial<SealedKeyFacts>[] = [
      { keyId: 'ak_1' }, { ownerId: 4 }, { scopes: ['withdrawals:read', 'withdrawals:create'] }, { scopes: [] },
      { ipAllowlist: null }, { ipAllowlist: ['192.0.2.0/23'] }, { ipAllowlist: [] }, { expiresAt: null }, { expiresAt: new Date('2027-01-01T00:00:00.001Z') },
    ];
    for (const change of changes) expect([change, apiKeySealHolds(KEY, { ...FACTS, ...change }, seal)]).toEqual([change, false]);
    expect(apiKeySealHolds(new Uint8Array(32), FACTS, seal)).toBe(false);
    expect(apiKeySealHolds(KEY, FACTS, '')).toBe(false);
  });
});
