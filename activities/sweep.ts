import type { Database } from '../db/client.ts';
import { listUntold, setTold, type UntoldApproval } from '../db/repositories/policy/approvals.ts';
import { listOpenCancelIntents, type OpenCancelIntent } from '../db/repositories/withdrawals/cancel-intent.ts';
import { listWaitingStarts, markDispatched } from '../db/repositories/withdrawals/outbox.ts';
import type { SeenWorkflow } from '../db/repositories/payments/books.ts';
import { countPastHours } from '../db/repositories/withdrawals/statistics.ts';
import { getStarts, listUnended } from '../db/repositories/withdrawals/starts.ts';
import type { WithdrawalStart } from '../domain/withdrawal-start.ts';
import { startHeartbeats, type ActivityLog } from './failure.ts';

export interface SweepPorts {
  db: Database;
  /** starts a withdrawal's workflow, or finds it running; `closed` when it completed before */
  startWithdrawal: (start: WithdrawalStart) => Promise<'started' | 'closed'>;
  /** requests whose workflow was stopped from outside within the last hour */
  listStopped: () => Promise<string[]>;
  /** which of these requests have a running workflow */
  listRunning: (requestIds: readonly string[]) => Promise<ReadonlySet<string>>;
  /** holds the books against Temporal, and against workflows seen here; what is found is written down there */
  checkBooks: (alsoSeen?: readonly SeenWorkflow[]) => Promise<unknown>;
  /** wakes a withdrawal whose cancel intent is committed */
  signalCancel: (requestId: string) => Promise<void>;
  /** wakes a withdrawal that waits for approval: somebody has said something */
  signalApproval: (approval: UntoldApproval) => Promise<void>;
  /** starts the guardian of every hot wallet that has none running */
  ensureGuardians: () => Promise<void>;
  log: ActivityLog;
}

interface TakenStart {
  requestId: string;
  outcome: Awaited<ReturnType<SweepPorts['startWithdrawal']>>;
}

/** Younger rows are left to the API process that accepted them. */
const GRACE_MS = 3_000;
const BATCH = 200;
const OFTEN_MS = 10 * 60_000;
/** a little more than from one sweep to the next */
const SWEEP_MS = 12_000;
/** One turn of the round over all that have not ended: a small query, a small answer. */
const TURN = 100;
/** A workflow this young may not be visible yet, or its own start may be under way. */
const SETTLED_MS = 30_000;
/** What is counted for the statistics in one sweep: after an upgrade a month is done in some minutes, beside the work. */
const HOURS_AT_ONCE = 12;

/**
 * Starts every accepted withdrawal that has no workflow: the API died between its commit and the start, Temporal was away,
 * an operator terminated the run, or Temporal lost it. For the last, each sweep looks at the next few of all that have not
 * ended, round and round. Holds the books against Temporal first. Says "cancel" again to those whose intent is committed but
 * that have not ended, and tells of approvals that the API could not tell. Gives every hot wallet its guardian. Counts past hours for
 * the statistics. Called twice, or beside the API: starting is idempotent by workflow id.
 */
export function makeSweep(ports: SweepPorts) {
  let turnedTo = '';

  return async (): Promise<{ started: number }> => {
    const stopHeartbeats = startHeartbeats();
    try {
      return await startMissing();
    } finally {
      stopHeartbeats();
    }
  };

  async function startMissing(): Promise<{ started: number }> {
    await ports.checkBooks();
    const waiting = await startEach(await listWaitingStarts(ports.db, new Date(Date.now() - GRACE_MS), BATCH), (requestId) => markDispatched(ports.db, requestId, new Date()));
    const stopped = await startEach(await getStarts(ports.db, await ports.listStopped()));
    await ports.ensureGuardians();
    const lost = await startLost();
    await sayCancelAgain();
    await countHours();
    await tellApprovals();
    const started = waiting.length + stopped.length + lost;
    if (started > 0) ports.log.warn({ waiting: waiting.length, stopped: stopped.length, lost }, 'the sweeper started workflows that were missing');
    return { started };
  }

  /** One that Temporal refuses keeps nobody else waiting. @returns those that run, or have completed before */
  async function startEach(starts: readonly WithdrawalStart[], note: (requestId: string) => Promise<void> = async () => undefined): Promise<TakenStart[]> {
    const taken: TakenStart[] = [];
    for (const start of starts) {
      const { requestId } = start;
      const outcome = await ports.startWithdrawal(start).catch((error: unknown) => ports.log.error({ requestId, error }, 'a withdrawal could not be started: the next sweep tries again'));
      if (!outcome) continue;
      await note(requestId);
      taken.push({ requestId, outcome });
    }
    return taken;
  }

  /** Only so that statistics answer fast: without it they are counted when they are asked for. */
  async function countHours(): Promise<void> {
    await countPastHours(ports.db, new Date(), HOURS_AT_ONCE).catch((error: unknown) => ports.log.warn({ error }, 'past hours could not be counted'));
  }

  /** One that cannot be told keeps nobody else waiting. Each is told at every sweep for ten minutes, then once in ten: a history bears only so many signals. */
  async function sayCancelAgain(): Promise<void> {
    const now = Date.now();
    for await (const { requestId, intendedAt } of pages((last?: OpenCancelIntent) => listOpenCancelIntents(ports.db, new Date(now - GRACE_MS), last?.requestId ?? '', BATCH))) {
      const ageMs = now - intendedAt.getTime();
      if (ageMs > OFTEN_MS && ageMs % OFTEN_MS > SWEEP_MS) continue;
      await ports.signalCancel(requestId).catch((error: unknown) => ports.log.warn({ requestId, error }, 'a cancellation could not be said again'));
    }
  }

  /** One signal that Temporal took is enough: a run that loses it counts from the database when it begins. */
  async function tellApprovals(): Promise<void> {
    const givenBefore = new Date(Date.now() - GRACE_MS);
    for await (const approval of pages((last?: UntoldApproval) => listUntold(ports.db, givenBefore, last?.id ?? 0, BATCH))) {
      try {
        // Where nobody's word is waited for any more there is nothing to tell.
        if (approval.status === 'AWAITING_APPROVAL') await ports.signalApproval(approval);
        await setTold(ports.db, approval.id, new Date());
      } catch (error) {
        ports.log.warn({ requestId: approval.requestId, approvalId: approval.id, error }, 'an approval could not be told');
      }
    }
  }

  /** Those whose workflow is gone altogether. A worker that starts anew begins the round anew. */
  async function startLost(): Promise<number> {
    const turn = await listUnended(ports.db, turnedTo, new Date(Date.now() - SETTLED_MS), TURN);
    turnedTo = turn.length === TURN ? (turn.at(-1) ?? '') : '';
    const running = await ports.listRunning(turn);
    const missing = await getStarts(ports.db, turn.filter((requestId) => !running.has(requestId)));
    const taken = await startEach(missing);
    const completed: SeenWorkflow[] = taken.filter(({ outcome }) => outcome === 'closed').map(({ requestId }) => ({ requestId, completed: true }));
    // Completed, and its row may go on: that is a database that forgot, not a reason for a second run.
    if (completed.length > 0) await ports.checkBooks(completed);
    return taken.length - completed.length;
  }
}

/** All rows of a list that is read page by page, each behind the last row of the page before; rows that cannot be dealt with hold up none behind them. */
async function* pages<Row>(read: (last?: Row) => Promise<readonly Row[]>): AsyncGenerator<Row> {
  for (let page = await read(); page.length > 0; page = page.length === BATCH ? await read(page.at(-1)) : []) yield* page;
}
