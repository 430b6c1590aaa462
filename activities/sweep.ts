import type { Database } from '../db/client.ts';
import { listOpenCancelIntents } from '../db/repositories/cancel-intent.ts';
import { listWaitingStarts, markDispatched, type WaitingStart } from '../db/repositories/outbox.ts';
import { getStarts } from '../db/repositories/starts.ts';
import { startHeartbeats, type ActivityLog } from './failure.ts';

export interface SweepPorts {
  db: Database;
  /** starts a withdrawal's workflow, or finds it running; `closed` when it completed before */
  startWithdrawal: (start: Omit<WaitingStart, 'acceptedAt'>) => Promise<'started' | 'closed'>;
  /** requests whose workflow was stopped from outside within the last hour */
  listStopped: () => Promise<string[]>;
  /** wakes a withdrawal whose cancel intent is committed */
  signalCancel: (requestId: string) => Promise<void>;
  /** starts the guardian of every hot wallet that has none running */
  ensureGuardians: () => Promise<void>;
  log: ActivityLog;
}

/** Younger rows are left to the API process that accepted them. */
const GRACE_MS = 3_000;
const BATCH = 200;

/**
 * Starts every accepted withdrawal that has no workflow: the API died between its commit and the start, Temporal was away,
 * or an operator terminated the run. Says "cancel" again to those whose intent is committed but that have not ended. Gives every
 * hot wallet its guardian. Called twice, or beside the API: starting is idempotent by workflow id.
 */
export function makeSweep(ports: SweepPorts) {
  return async (): Promise<{ started: number }> => {
    const stopHeartbeats = startHeartbeats();
    try {
      return await startMissing();
    } finally {
      stopHeartbeats();
    }
  };

  async function startMissing(): Promise<{ started: number }> {
    const waiting = await listWaitingStarts(ports.db, new Date(Date.now() - GRACE_MS), BATCH);
    for (const start of waiting) {
      await ports.startWithdrawal(start);
      await markDispatched(ports.db, start.requestId, new Date());
    }
    const stopped = await getStarts(ports.db, await ports.listStopped());
    for (const start of stopped) await ports.startWithdrawal(start);
    for (const requestId of await listOpenCancelIntents(ports.db, new Date(Date.now() - GRACE_MS), BATCH)) await ports.signalCancel(requestId);
    await ports.ensureGuardians();
    const started = waiting.length + stopped.length;
    if (started > 0) ports.log.warn({ waiting: waiting.length, stopped: stopped.length }, 'the sweeper started workflows that were missing');
    return { started };
  }
}
