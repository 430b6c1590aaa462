import { canonicalJson } from './canonical-json.ts';
import { sameSeal, sealOf } from './seal.ts';

/** A policy version as far as anybody could gain by changing it: its rules, whose they are, and when they held. */
export interface SealedPolicy {
  version: number;
  baseVersion: number | null;
  document: unknown;
  status: string;
  proposedBy: number | null;
  proposedAt: Date;
  decidedBy: number | null;
  decidedAt: Date | null;
  retiredAt: Date | null;
}

/** HMAC-SHA-256 over a policy version, hex. Made anew at each change of its status: one that was retired is not live again by an edit. */
export function sealPolicy(key: Uint8Array, policy: SealedPolicy): string {
  const { version, baseVersion, document, status, proposedBy, proposedAt, decidedBy, decidedAt, retiredAt } = policy;
  return sealOf(key, ['policy/1', String(version), text(baseVersion), canonicalJson(document), status, text(proposedBy), text(proposedAt), text(decidedBy), text(decidedAt), text(retiredAt)]);
}

/** True when the seal is this very version's. */
export function policySealHolds(key: Uint8Array, policy: SealedPolicy & { seal: string | null }): boolean {
  return policy.seal !== null && sameSeal(sealPolicy(key, policy), policy.seal);
}

const text = (value: number | Date | null): string => (value === null ? 'none' : String(value instanceof Date ? value.getTime() : value));
