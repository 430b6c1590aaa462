import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';
import { pauseMs, RETRY_PROFILES } from '../domain/retry-profiles.ts';

/**
 * Timeouts and retries by kind of work. Transient failures are retried without end: a withdrawal waits out any outage.
 * Permanent and unknown ones come back at once (they are marked non-retryable) and the workflow decides.
 */

/** A killed worker is noticed after four missed heartbeats, and its task given to another. */
export const HEARTBEAT_TIMEOUT = '8 seconds';

const { 'wait-out': waitOut, 'few-tries': fewTries } = RETRY_PROFILES;
const WAIT_IT_OUT = { initialInterval: waitOut.firstPauseMs, backoffCoefficient: waitOut.factor, maximumInterval: waitOut.pauseMsMax };

/** One step against database, chain and key store: each bounded call inside is shorter than this together. */
export const STEP: ActivityOptions = {
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: WAIT_IT_OUT,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
};

/** For a step that is not waited out: what it is for is looked at again meanwhile. */
export const BRIEFLY = { scheduleToCloseTimeout: '1 minute' } as const;

/** Waiting for the chain: as long as it takes; the heartbeat, not the clock, finds a dead monitor. */
export const WATCH: ActivityOptions = {
  startToCloseTimeout: '24 hours',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: WAIT_IT_OUT,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
};

/** One short transaction in MySQL, run inside the workflow task. */
export const BOOKING: LocalActivityOptions = {
  startToCloseTimeout: '10 seconds',
  localRetryThreshold: '10 seconds',
  retry: WAIT_IT_OUT,
};

/** How often a failure nobody can classify is tried before a person is asked. */
export const UNKNOWN_TRIES_MAX = fewTries.triesMax;

/** 1, 2, 4, 8 … seconds, ten minutes at most. */
export function backoffMs(failures: number): number {
  return pauseMs(fewTries, failures);
}

/** How often a wallet without funds is looked at again. */
export const FUNDS_POLL_MS = 3_000;

/** The least pause before approvals are counted again at their deadline: the database's clock rules, not the workflow's. */
export const APPROVAL_LOOK_MS = 1_000;

export const DAY_MS = 86_400_000;

/** At the fee ceiling: wait, then send the same bytes again. */
export const FEE_HOLD_MS = 30_000;
export const HELD = { summary: 'nothing is to be signed now: look again' };

/** How often the chain is asked for a payment by hand that is not final yet, and how many times in all. */
export const CLAIM_LOOK_MS = 15_000;
export const CLAIM_LOOKS_MAX = 40;
