import type { AuditBreak } from '../../domain/audit.ts';

const SENTENCES: Record<AuditBreak['what'], (position: number) => string> = {
  'link-missing': (position) => `position ${position}: the link is gone`,
  'row-missing': (position) => `position ${position}: the row of the log is gone`,
  'row-changed': (position) => `position ${position}: the row or the link is not what was written`,
  'anchor-differs': (position) => `position ${position}: the chain holds, but Temporal was told another hash: it was written anew at or before here`,
  'tail-cut': (position) => `position ${position}: Temporal was told of it and of what followed; the tail was cut off, or an older backup was restored`,
  'row-unchained': (id) => `row ${id} stands in the log and nowhere in the chain: it was put in, or its link was taken out`,
  'waiting-row-missing': (id) => `row ${id} waited for its link and is gone`,
};

/** One sentence for people. */
export function describeBreak({ position, what }: AuditBreak): string {
  return SENTENCES[what](position);
}
