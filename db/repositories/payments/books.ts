import { desc, inArray } from 'drizzle-orm';
import { EVERYTHING, type Halt } from '../../../domain/halts.ts';
import { isEnd } from '../../../domain/status.ts';
import type { Database, Queryable } from '../../client.ts';
import { withdrawalRequests } from '../../schema/index.ts';
import { raiseAlert } from '../operations/alerts.ts';
import { listHalts, setHalt } from '../operations/halts.ts';

/** The halt that stands while the books are behind. */
export const RECOVERY_HALT: Halt = { scope: 'GLOBAL', target: EVERYTHING, kind: 'RECOVERY' };

/** A workflow somebody has seen. */
export interface SeenWorkflow {
  requestId: string;
  /** it ended by itself */
  completed: boolean;
}

/** When the newest withdrawal was accepted; null when there is none. */
export async function newestAcceptedAt(queryable: Queryable): Promise<Date | null> {
  const [newest] = await queryable.select({ createdAt: withdrawalRequests.createdAt }).from(withdrawalRequests).orderBy(desc(withdrawalRequests.createdAt)).limit(1);
  return newest?.createdAt ?? null;
}

/**
 * Which of the seen workflows prove that this database forgot. A workflow is started after its row was committed, and
 * completes after its row had ended: one without a row, or completed with a row that goes on, is always proof. The
 * workflows must have been seen before this is asked. A request may be seen with several runs: it has completed only if
 * none of them goes on, for after a recovery a new run settles what an old, completed one had settled.
 */
export async function findForgotten(queryable: Queryable, seen: readonly SeenWorkflow[]): Promise<string[]> {
  if (seen.length === 0) return [];
  const hasCompleted = new Map<string, boolean>();
  for (const { requestId, completed } of seen) hasCompleted.set(requestId, completed && (hasCompleted.get(requestId) ?? true));
  const ids = [...hasCompleted.keys()];
  const rows = await queryable.select({ requestId: withdrawalRequests.requestId, status: withdrawalRequests.status }).from(withdrawalRequests).where(inArray(withdrawalRequests.requestId, ids));
  const statusOf = new Map(rows.map(({ requestId, status }) => [requestId, status]));
  return ids.filter((requestId) => {
    const status = statusOf.get(requestId);
    return status === undefined || (hasCompleted.get(requestId) === true && !isEnd(status));
  });
}

/** True while the books are known to be behind. */
export async function isRecovering(queryable: Queryable): Promise<boolean> {
  return (await listHalts(queryable)).some(({ kind }) => kind === 'RECOVERY');
}

/**
 * Stops everything until `npm run recover` has run: the halt that sign, send and POST look at, and an alert. Called
 * twice: the first reason stands, the alert is the same one.
 */
export async function haltForRecovery(
  db: Database,
  found: { chainId: number; reason: string; setBy: string; detail?: Record<string, string | number | null> },
  log: { error(fields: object, message: string): void },
): Promise<void> {
  await setHalt(db, { ...RECOVERY_HALT, reason: found.reason, setBy: found.setBy });
  const opened = await raiseAlert(db, { kind: 'BOOKS_BEHIND', chainId: found.chainId, subject: EVERYTHING, detail: { reason: found.reason.slice(0, 255), ...found.detail } });
  if (opened) log.error({ code: 'BOOKS_BEHIND', reason: found.reason }, 'the database knows less than the chain or Temporal: nothing is accepted or signed until "npm run recover" has run');
}
