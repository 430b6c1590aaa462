import { ApplicationFailure, asyncLocalStorage, CancelledFailure } from '@temporalio/activity';
import { isDatabaseUnavailable } from '../db/connection-lost.ts';
import { isRedisUnavailable } from '../db/redis.ts';
import { EngineError, ERROR_CATALOGUE, type ErrorClass, type ErrorCode } from '../domain/errors.ts';
import { RpcAnswerError } from './chain/rpc.ts';

/** What a failed activity tells the workflow beside its code. */
export interface FailureDetail {
  class: ErrorClass;
  parameters: Record<string, string>;
}

export interface ActivityLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

function codeOf(error: unknown): ErrorCode {
  if (error instanceof EngineError) return error.code;
  // A read that a node answers with an error says something of the node, not of the withdrawal.
  if (error instanceof RpcAnswerError) return 'CHAIN_UNAVAILABLE';
  return isDatabaseUnavailable(error) || isRedisUnavailable(error) ? 'SERVICE_UNAVAILABLE' : 'INTERNAL';
}

/** Whose work an activity does. */
export interface WithdrawalReference {
  requestId: string;
  /** of the HTTP call that was accepted */
  correlationId?: string;
}

/**
 * Wraps an activity so that every failure leaves it as a catalogued code: transient ones are retried by Temporal, the
 * others return to the workflow at once, which decides. Foreign error texts stay in this process's log: a history is
 * read by many, and a driver's message can quote anything.
 */
export function moneyActivity<Input extends WithdrawalReference, Result>(name: string, log: ActivityLog, run: (input: Input) => Promise<Result>): (input: Input) => Promise<Result> {
  return async (input) => {
    const stopHeartbeats = startHeartbeats();
    const startedAt = performance.now();
    const trace = { activity: name, requestId: input.requestId, ...(input.correlationId !== undefined && { correlationId: input.correlationId }) };
    try {
      const result = await run(input);
      log.info({ ...trace, durationMs: Math.round(performance.now() - startedAt) }, `${name} done`);
      return result;
    } catch (error) {
      if (error instanceof ApplicationFailure || error instanceof CancelledFailure) throw error;
      const code = codeOf(error);
      const detail: FailureDetail = { class: ERROR_CATALOGUE[code].class, parameters: error instanceof EngineError ? { ...error.parameters } : {} };
      const level = detail.class === 'unknown' ? 'error' : 'warn';
      log[level]({ ...trace, code, error }, `${name} did not succeed`);
      throw ApplicationFailure.create({
        type: code,
        message: error instanceof EngineError ? error.message : code,
        nonRetryable: detail.class !== 'transient',
        details: [detail],
        ...(code === 'WINDOW_FULL' && { nextRetryDelay: '1s', category: 'BENIGN' }),
      });
    } finally {
      stopHeartbeats();
    }
  };
}

/**
 * What an activity throws that moves no money and is tried again whatever failed: a catalogued code and nothing else. Logs the rest:
 * histories are read by many, and a driver's or a node's message can quote anything.
 */
export function failureToTell(log: Pick<ActivityLog, 'warn'>, error: unknown, message: string, fields: object = {}): ApplicationFailure {
  const code = codeOf(error);
  log.warn({ ...fields, code, error }, message);
  return ApplicationFailure.create({ type: code, message: code });
}

const HEARTBEAT_MS = 2_000;

/** Heartbeats until the returned function is called, so that a killed worker is noticed in seconds. Outside Temporal: nothing. */
export function startHeartbeats(): () => void {
  const context = asyncLocalStorage.getStore();
  if (!context) return () => undefined;
  const timer = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
  return () => clearInterval(timer);
}
