import { AUDIT_GENESIS, findCut, walkChain, type AuditBreak, type AuditHead } from '../domain/audit.ts';
import type { Database } from './client.ts';
import { findUnchained, findWaitingMissing, lastAuditId, readAuditHash, readAuditHead, readChain } from './repositories/audit/audit-chain.ts';

/** Hashes by position, as they were anchored outside this database. */
export type Anchors = ReadonlyMap<number, ReadonlySet<string>>;

export interface AuditVerdict {
  /** the last link that holds */
  head: AuditHead;
  /** links that were looked at */
  checked: number;
  /** the first thing that is not as it was written */
  broken: AuditBreak | null;
}

const LINKS_AT_ONCE = 1_000;
const IDS_AT_ONCE = 20_000;

/** Anchors as `verifyAudit` takes them. */
export function anchorsOf(heads: Iterable<AuditHead>): Map<number, Set<string>> {
  const anchors = new Map<number, Set<string>>();
  for (const { position, hash } of heads) if (position > 0) anchors.set(position, (anchors.get(position) ?? new Set<string>()).add(hash));
  return anchors;
}

/**
 * Walks the whole chain, then the whole log, batch by batch, and holds them against anchors that were read before. Changes
 * nothing, and may run beside the engine: what is appended meanwhile is walked as well.
 */
export async function verifyAudit(db: Database, anchors: Anchors, onProgress: (done: number, of: number) => void): Promise<AuditVerdict> {
  const { position: upTo } = await readAuditHead(db);
  const walked = await walkOn(db, AUDIT_GENESIS, anchors, (position) => onProgress(position, Math.max(upTo, position)));
  if (walked.broken) return walked;
  const broken = findCut(walked.head, anchors) ?? (await findWaitingMissing(db)) ?? (await findOutside(db));
  return { ...walked, broken };
}

/** The same for the last links only: quick, however long the log is. What is further back is taken for what it says. */
export async function verifyAuditTail(db: Database, anchors: Anchors, links: number): Promise<AuditVerdict> {
  const { position } = await readAuditHead(db);
  const start = Math.max(0, Math.min(position, ...anchors.keys()) - links);
  const hash = await readAuditHash(db, start);
  if (hash === null) return { head: AUDIT_GENESIS, checked: 0, broken: { position: start, what: 'link-missing' } };
  const walked = await walkOn(db, { position: start, hash }, anchors, () => undefined);
  return { ...walked, broken: walked.broken ?? findCut(walked.head, anchors) ?? (await findWaitingMissing(db)) };
}

async function walkOn(db: Database, from: AuditHead, anchors: Anchors, onBatch: (position: number) => void): Promise<AuditVerdict> {
  let head = from;
  for (;;) {
    const links = await readChain(db, head.position, LINKS_AT_ONCE);
    const walked = walkChain(head, links, anchors);
    head = walked.head;
    if (walked.broken) return { head, checked: head.position - from.position, broken: walked.broken };
    onBatch(head.position);
    if (links.length < LINKS_AT_ONCE) return { head, checked: head.position - from.position, broken: null };
  }
}

async function findOutside(db: Database): Promise<AuditBreak | null> {
  const last = await lastAuditId(db);
  for (let after = 0; after < last; after += IDS_AT_ONCE) {
    const found = await findUnchained(db, after, Math.min(last, after + IDS_AT_ONCE));
    if (found) return found;
  }
  return null;
}
