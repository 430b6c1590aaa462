import type { Client } from '@temporalio/client';
import type { FastifyBaseLogger } from 'fastify';
import type { Database } from '../../db/client.ts';
import { noteRetry } from '../../db/repositories/operations/dead-letters.ts';
import { listOpenDeadLetters, type DeadLetterFilter, type FoundDeadLetter } from '../../db/repositories/operations/list-dead-letters.ts';
import { whyNot } from '../../domain/dead-letters.ts';
import { EngineError } from '../../domain/errors.ts';
import { RETRY_SIGNAL } from '../../workflows/message-names.ts';
import type { BulkRetryAnswer } from '../schemas/dead-letter.ts';
import { tellWorkflow } from '../withdrawals/tell-workflow.ts';

/** Signals under way at once: enough to be quick, few enough to leave Temporal to the payments. */
const TELLING_MAX = 8;

export interface RetryMany {
  filter: DeadLetterFilter;
  dryRun: boolean;
  limit: number;
  accountId: number;
  logger: FastifyBaseLogger;
}

/**
 * Answers many dead letters with "retry", longest waiting first. Called twice: those that were told before are skipped, and
 * one that is told twice is still taken up once. Dies in the middle: those not told wait on, and match again.
 *
 * Throws `SERVICE_UNAVAILABLE` when Temporal cannot be reached and nobody was told; where it goes away in between, the rest is
 * skipped and says so.
 */
export async function retryMany(deps: { temporal: Client; database: Database }, { filter, dryRun, limit, accountId, logger }: RetryMany): Promise<BulkRetryAnswer> {
  const found = await listOpenDeadLetters(deps.database, filter, limit + 1);
  const letters = found.slice(0, limit);
  const requestIds: string[] = [];
  const skipped: BulkRetryAnswer['skipped'] = [];
  let away: EngineError | null = null;

  const answer = async ({ letter, request }: FoundDeadLetter): Promise<void> => {
    const { requestId } = letter;
    const reason = letter.retrySaidAt === null ? whyNot('retry', request) : 'retry-said';
    if (reason !== null) return void skipped.push({ requestId, reason });
    if (dryRun) return void requestIds.push(requestId);
    if (away) return void skipped.push({ requestId, reason: 'temporal-away' });
    try {
      await tellWorkflow(deps, requestId, { name: RETRY_SIGNAL, args: [letter.id] });
      await noteRetry(deps.database, letter, accountId);
      requestIds.push(requestId);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (error.code === 'SERVICE_UNAVAILABLE') away ??= error;
      logger.warn({ requestId, error }, 'a retry could not be said');
      skipped.push({ requestId, reason: error.parameters['reason'] ?? error.code });
    }
  };

  const waiting = letters.values();
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (const each of waiting) {
      // Whoever is answered with an error must not find that the rest was told afterwards.
      if (failures.length > 0) return;
      await answer(each).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: TELLING_MAX }, worker));
  if (failures.length > 0) throw failures[0];
  if (away && requestIds.length === 0) throw away;
  return { dryRun, matched: letters.length, retried: requestIds.length, requestIds, skipped, more: found.length > limit };
}
