import type { HaltRow } from '../../db/repositories/operations/halts.ts';
import { EVERYTHING } from '../../domain/halts.ts';
import type { HaltView, HttpScope } from '../schemas/halt.ts';

/** What stands still, as HTTP spells it, oldest first. */
export function haltViews(rows: readonly HaltRow[]): HaltView[] {
  return rows
    .toSorted((left, right) => left.createdAt.getTime() - right.createdAt.getTime())
    .map((row) => ({
      scope: row.scope.toLowerCase() as HttpScope,
      target: row.target === EVERYTHING ? null : row.target,
      kind: row.kind,
      reason: row.reason,
      setBy: row.setBy,
      createdAt: row.createdAt.toISOString(),
    }));
}
