import { ActivityFailure, ApplicationFailure, ContinueAsNew, isCancellation, sleep } from '@temporalio/workflow';
import { isErrorCode, profileOf, type ErrorClass, type ErrorCode } from '../domain/errors.ts';
import { RETRY_PROFILES } from '../domain/retry-profiles.ts';
import type { FailureDetail } from '../activities/index.ts';
import { backoffMs } from './profiles.ts';

export interface Failure {
  code: ErrorCode;
  class: ErrorClass;
  reason: string;
}

/** Reads the catalogued code out of what an activity threw. Anything else is unknown, and shown to a person. */
export function failureOf(error: unknown): Failure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure && cause.type && isErrorCode(cause.type)) {
    const [detail] = (cause.details ?? []) as FailureDetail[];
    return { code: cause.type, class: detail?.class ?? 'unknown', reason: cause.message };
  }
  return { code: 'INTERNAL', class: 'unknown', reason: cause instanceof Error ? cause.message : String(cause) };
}

/** A failure the workflow itself found. */
export function fail(failure: Failure): never {
  const detail: FailureDetail = { class: failure.class, parameters: {} };
  throw ApplicationFailure.create({ type: failure.code, message: failure.reason, nonRetryable: true, details: [detail] });
}

/** What is no failure of the work itself: it was interrupted, or goes on as a new run. */
export function isControlFlow(error: unknown): boolean {
  return error instanceof ContinueAsNew || isCancellation(error);
}

const TRY_AGAIN = { summary: 'the step failed: try again' };

/** Tries again what failed for an unknown reason, as often as its profile says. */
export async function persist<T>(run: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await run();
    } catch (error) {
      if (isControlFlow(error)) throw error;
      // What Temporal waits out comes back only where the wait was bounded: then it is not waited for here either.
      if (failures >= (RETRY_PROFILES[profileOf(failureOf(error).code)].triesMax ?? 1)) throw error;
      await sleep(backoffMs(failures), TRY_AGAIN);
    }
  }
}

/** Tries until it succeeds: for what must happen, whatever it takes. */
export async function insist<T>(run: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await run();
    } catch (error) {
      if (isControlFlow(error)) throw error;
      await sleep(backoffMs(failures), TRY_AGAIN);
    }
  }
}
