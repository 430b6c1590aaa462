import { describe, expect, it } from 'vitest';
import { policySealHolds, sealPolicy, type SealedPolicy } from './policy-seal.ts';

const KEY = new Uint8Array(32).fill(7);
const POLICY: SealedPolicy = {
  version: 4, baseVersion: 3, status: 'RETIRED',
  document: { rules: [{ id: 'rest', when: {}, action: { allow: true } }] },
  proposedBy: 1, proposedAt: new Date(1_000), decidedBy: 2, decidedAt: new Date(2_000), retiredAt: new Date(3_000),
};
const seal = sealPolicy(KEY, POLICY);

describe("a policy's seal", () => {
  it('holds for the version it was made for, however its document was stored', () => {
    expect(policySealHolds(KEY, { ...POLICY, seal })).toBe(true);
    expect(policySealHolds(KEY, { ...POLICY, seal, document: { rules: [{ action: { allow: true }, when: {}, id: 'rest' }] } })).toBe(true);
  });

  it.each<[string, Partial<SealedPolicy>]>([
    ['number', { version: 5 }],
    ['base', { baseVersion: null }],
    ['document', { document: { rules: [] } }],
    ['status', { status: 'LIVE' }],
    ['proposer', { proposedBy: 2 }],
    ['time of proposal', { proposedAt: new Date(1_001) }],
    ['approver', { decidedBy: 1 }],
    ['beginning', { decidedAt: new Date(2_001) }],
    ['end', { retiredAt: null }],
  ])('breaks with another %s', (_, change) => {
    expect(policySealHolds(KEY, { ...POLICY, ...change, seal })).toBe(false);
  });

  it('is not missing, and of no other key', () => {
    expect(policySealHolds(KEY, { ...POLICY, seal: null })).toBe(false);
    expect(policySealHolds(new Uint8Array(32), { ...POLICY, seal })).toBe(false);
  });
});
