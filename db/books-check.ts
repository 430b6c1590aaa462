import type { Database } from './client.ts';
import { findForgotten, haltForRecovery, isRecovering, newestAcceptedAt, type SeenWorkflow } from './repositories/payments/books.ts';

export interface BooksCheckPorts {
  db: Database;
  chainId: number;
  /** the role that looks */
  setBy: string;
  /** at most `limit` withdrawal workflows started after `since`, running and closed */
  listStartedSince: (since: Date, limit: number) => Promise<readonly SeenWorkflow[]>;
  log: { error(fields: object, message: string): void };
}

/** Clocks of the API and of Temporal may differ by this much, and a start may be this late. */
const MARGIN_MS = 60_000;
/** The first look of a process is thorough, the later ones come every few seconds. */
const FIRST_LOOK = 1_000;
const LATER_LOOK = 100;
const REMEMBERED_MAX = 100;

/**
 * Holds the books against Temporal: a workflow whose row is missing, or that completed while its row goes on, means a
 * restored backup. Cheap enough for every few seconds: one bounded list of workflows started since the newest row, one
 * query. The requests last seen are remembered and asked for again, so that a database that is set back under a running
 * process shows also when new rows were written since.
 *
 * What is found is written down (halt and alert); called again it changes nothing. Throws what database or Temporal
 * throw: then nothing is known.
 * @param alsoSeen workflows the caller has seen by itself
 * @returns true when a recovery is due, found now or before
 */
export function createBooksCheck(ports: BooksCheckPorts): (alsoSeen?: readonly SeenWorkflow[]) => Promise<boolean> {
  let remembered: SeenWorkflow[] = [];
  let isFirst = true;
  return async (alsoSeen = []) => {
    const newest = await newestAcceptedAt(ports.db);
    const since = new Date((newest?.getTime() ?? MARGIN_MS) - MARGIN_MS);
    const listed = await ports.listStartedSince(since, isFirst ? FIRST_LOOK : LATER_LOOK);
    const seen = [...listed, ...alsoSeen];
    const seenNow = new Set(seen.map(({ requestId }) => requestId));
    // What is remembered tells that it was there, not how it stands: of one seen now, that counts.
    const forgotten = await findForgotten(ports.db, [...seen, ...remembered.filter(({ requestId }) => !seenNow.has(requestId))]);
    isFirst = false;
    if (forgotten.length > 0) {
      const example = forgotten[0] ?? null;
      await haltForRecovery(ports.db, { chainId: ports.chainId, reason: `${forgotten.length} workflows go beyond the database, ${example} among them`, setBy: ports.setBy, detail: { requestId: example } }, ports.log);
      return true;
    }
    if (listed.length > 0) remembered = listed.slice(0, REMEMBERED_MAX).map(({ requestId }) => ({ requestId, completed: false }));
    return isRecovering(ports.db);
  };
}
