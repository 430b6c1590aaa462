import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/**
 * What people, API keys and commands can change, by the name the audit log knows it by. A route that changes something names
 * one of these, or the API does not start.
 */
export const AUDIT_ACTIONS = [
  'session.open',
  'session.refresh',
  'session.close',
  'session.revoke',
  'account.register',
  'account.create',
  'account.change-password',
  'account.change',
  'second-factor.enrol',
  'second-factor.confirm',
  'second-factor.verify',
  'second-factor.remove',
  'second-factor.reset',
  'api-key.create',
  'api-key.revoke',
  'withdrawal.request',
  'withdrawal.cancel',
  'withdrawal.approve',
  'withdrawal.reject',
  'withdrawal.retry',
  'withdrawal.retry-many',
  'withdrawal.mark-paid',
  'policy.propose',
  'policy.approve',
  'policy.reject',
  'address.propose',
  'address.propose-removal',
  'address.approve',
  'address.reject',
  'halt.set',
  'halt.lift',
  'wallet.pause',
  'wallet.drain',
  'wallet.resume',
  'wallet.halt',
  'movement.declare',
  'movement.revoke',
  'webhook.create',
  'webhook.change',
  'webhook.delete',
  'webhook.rotate-secret',
  'webhook.redeliver',
  'signing-key.create',
  'signing-key.import',
  'signing-key.rotate',
  'recovery.run',
  'seals.adopt',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/**
 * `BEGUN` is committed before anything is changed, `ENDED` when the answer is known; a `BEGUN` alone is a call that died in
 * between. `DONE` stands in the transaction of its change. `REFUSED` changed nothing, and may count for many.
 */
export const AUDIT_PHASES = ['BEGUN', 'ENDED', 'DONE', 'REFUSED'] as const;
export type AuditPhase = (typeof AUDIT_PHASES)[number];

export const AUDIT_ACTORS = ['account', 'key', 'command', 'anonymous'] as const;
export type AuditActor = (typeof AUDIT_ACTORS)[number];

/** One row of the audit log. */
export interface AuditRecord {
  id: number;
  at: Date;
  /** 32 hex digits; the rows of one call share it */
  callId: string;
  phase: AuditPhase;
  actorKind: AuditActor;
  /** of an account, the one an API key belongs to included */
  actorId: number | null;
  /** an e-mail address; of a command the operating system's user; of an unknown caller the SHA-256 of the address that was tried */
  actorName: string | null;
  /** `session`, `key <id>`, or the command; null where nobody had signed in */
  via: string | null;
  ip: string | null;
  userAgent: string | null;
  action: AuditAction;
  targetKind: string | null;
  targetId: string | null;
  /** HTTP status, or a command's exit code; null while it is not known */
  status: number | null;
  errorCode: string | null;
  /** JSON, see `auditState` */
  stateBefore: string | null;
  stateAfter: string | null;
  correlationId: string;
  /** of `REFUSED`: how many calls it stands for */
  times: number;
}

/** Where a chain ends: position 0 is before the first row. */
export interface AuditHead {
  position: number;
  /** SHA-256, hex */
  hash: string;
}

export const AUDIT_GENESIS: AuditHead = { position: 0, hash: '0'.repeat(64) };

/** Every field in a fixed order, so that one row has one spelling. The first number is the version of this very rule. */
export function canonicalAudit(record: AuditRecord): string {
  const { id, at, callId, phase, actorKind, actorId, actorName, via, ip, userAgent, action, targetKind, targetId, status, errorCode, stateBefore, stateAfter, correlationId, times } = record;
  return JSON.stringify([1, id, at.toISOString(), callId, phase, actorKind, actorId, actorName, via, ip, userAgent, action, targetKind, targetId, status, errorCode, stateBefore, stateAfter, correlationId, times]);
}

/** The chain rule: the hash of a link binds its row and, through the hash before, every row and the order before it. */
export function linkAfter(head: AuditHead, record: AuditRecord): AuditHead {
  return { position: head.position + 1, hash: bytesToHex(sha256(utf8ToBytes(`${head.hash}|${canonicalAudit(record)}`))) };
}

/** A link as it stands in the database, with the row it names; null when that row is gone. */
export interface ChainedRecord extends AuditHead {
  record: AuditRecord | null;
}

export type AuditBreak = {
  /** of the first link that is not what it was; of a row outside the chain, its id */
  position: number;
  what: 'link-missing' | 'row-missing' | 'row-changed' | 'anchor-differs' | 'tail-cut' | 'row-unchained' | 'waiting-row-missing';
};

/**
 * Walks on from `head` through the next links, in their order, and holds them against what was anchored elsewhere.
 * @param anchors hashes by position; several of one position where anchors contradict each other
 * @returns the new head, or the first link that breaks the chain
 */
export function walkChain(head: AuditHead, links: readonly ChainedRecord[], anchors: ReadonlyMap<number, ReadonlySet<string>>): { head: AuditHead; broken: AuditBreak | null } {
  let at = head;
  for (const { position, hash, record } of links) {
    const broken = (what: AuditBreak['what'], where = position) => ({ head: at, broken: { position: where, what } });
    if (position !== at.position + 1) return broken('link-missing', at.position + 1);
    if (record === null) return broken('row-missing');
    const expected = linkAfter(at, record);
    if (expected.hash !== hash) return broken('row-changed');
    const anchored = anchors.get(position);
    if (anchored && (anchored.size > 1 || !anchored.has(hash))) return broken('anchor-differs');
    at = expected;
  }
  return { head: at, broken: null };
}

/** After the last link: whatever was anchored further on has been cut off. */
export function findCut(head: AuditHead, anchors: ReadonlyMap<number, ReadonlySet<string>>): AuditBreak | null {
  const furthest = Math.max(0, ...anchors.keys());
  return furthest > head.position ? { position: head.position + 1, what: 'tail-cut' } : null;
}

const HIDDEN = '[hidden]';
const SECRET_NAME = /password|passphrase|secret|mnemonic|credential|authorization|cookie|recovery|privateKey|apiKey|(access|refresh|bearer|challenge)Token|^(seal|key|token|code|otp|pin|hash)$/i;
const STATE_CHARACTERS_MAX = 16_000;
const TEXT_CHARACTERS_MAX = 500;

/**
 * A state as the log keeps it: JSON in which whatever is named like a secret is hidden, long texts are cut, and a state that is
 * too long is kept by its SHA-256 only. `undefined` is no state.
 */
export function auditState(state: unknown): string | null {
  if (state === undefined) return null;
  const text = JSON.stringify(state, (name, value: unknown) => {
    if (SECRET_NAME.test(name) && value !== null && typeof value !== 'boolean') return HIDDEN;
    if (typeof value === 'bigint') return value.toString();
    return typeof value === 'string' && value.length > TEXT_CHARACTERS_MAX ? `${value.slice(0, TEXT_CHARACTERS_MAX)}…` : value;
  });
  return text.length <= STATE_CHARACTERS_MAX ? text : JSON.stringify({ sha256: bytesToHex(sha256(utf8ToBytes(text))), characters: text.length });
}
