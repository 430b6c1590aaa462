import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { FastifyBaseLogger } from 'fastify';
import type { Database } from '../../db/client.ts';
import { markDispatched } from '../../db/repositories/withdrawals/outbox.ts';
import { workflowIdOf } from '../../domain/request-id.ts';
import { startWithdrawal, type WithdrawalStart } from '../../temporal-config/start-withdrawal.ts';
import { CANCEL_SIGNAL } from '../../workflows/message-names.ts';

const RUNNING_MAX = 50;
/** Beyond this, a start is left to the sweeper: the row is committed, so nothing is lost, only later. */
const WAITING_MAX = 2_000;
const TRY_TIMEOUT_MS = 3_000;
/** Pauses between tries: a blip is not worth waiting for the sweeper, an outage is. */
const RETRY_PAUSES_MS = [200, 1_000];

/** Talks to Temporal after the answer was given. Failures are only logged: the outbox and the cancel intent stand. */
export interface WorkflowStarter {
  /** Starts the workflow of an accepted withdrawal and notes it in the outbox. Safe to call twice. */
  start(withdrawal: WithdrawalStart, logger: FastifyBaseLogger): void;
  /** Tells the workflow to look at the committed cancel intent. Safe to call twice. */
  signalCancel(requestId: string, logger: FastifyBaseLogger): void;
  /** Takes nothing new, gives up what has not begun, and resolves when the rest is done. */
  close(): Promise<void>;
}

export function createWorkflowStarter(deps: { temporal: Client; database: Database }): WorkflowStarter {
  const waiting: (() => Promise<void>)[] = [];
  const running = new Set<Promise<void>>();
  const closing = new AbortController();

  const withRetries = async (job: () => Promise<void>): Promise<void> => {
    for (const pauseMs of RETRY_PAUSES_MS) {
      try {
        return await deps.temporal.withDeadline(Date.now() + TRY_TIMEOUT_MS, job);
      } catch (error) {
        await sleep(pauseMs, undefined, { signal: closing.signal }).catch(() => undefined);
        if (closing.signal.aborted) throw error;
      }
    }
    return deps.temporal.withDeadline(Date.now() + TRY_TIMEOUT_MS, job);
  };

  const pump = (): void => {
    while (running.size < RUNNING_MAX) {
      const job = waiting.shift();
      if (!job) return;
      const work = job().finally(() => {
        running.delete(work);
        pump();
      });
      running.add(work);
    }
  };

  const submit = (what: string, logger: FastifyBaseLogger, job: () => Promise<void>): void => {
    if (closing.signal.aborted || waiting.length >= WAITING_MAX) {
      logger.warn({ waiting: waiting.length }, `${what} left to the sweeper`);
      return;
    }
    waiting.push(async () => {
      try {
        await withRetries(job);
      } catch (error) {
        logger.warn({ error }, `${what} failed; the sweeper takes over`);
      }
    });
    pump();
  };

  return {
    start(withdrawal, logger) {
      submit('starting the workflow', logger, async () => {
        await startWithdrawal(deps.temporal, withdrawal);
        await markDispatched(deps.database, withdrawal.requestId, new Date());
      });
    },
    signalCancel(requestId, logger) {
      submit('the cancel signal', logger, async () => {
        await deps.temporal.workflow.getHandle(workflowIdOf(requestId)).signal(CANCEL_SIGNAL);
      });
    },
    async close() {
      closing.abort();
      waiting.length = 0;
      await Promise.all(running);
    },
  };
}
