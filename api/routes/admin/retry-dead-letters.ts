import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Client } from '@temporalio/client';
import type { Database } from '../../../db/client.ts';
import type { DeadLetterFilter } from '../../../db/repositories/operations/list-dead-letters.ts';
import { EngineError } from '../../../domain/errors.ts';
import { ADMINS } from '../../access.ts';
import { retryMany } from '../../dead-letters/retry-many.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { BULK_RETRY_MAX, BulkRetryAnswerSchema, BulkRetryBodySchema, type BulkRetryBody } from '../../schemas/dead-letter.ts';
import { optionalTime } from '../../times.ts';

/** `POST /admin/dead-letters/retry`: answers all that a filter fits with "retry". With `dryRun` it only says which. */
export const bulkRetry: FastifyPluginAsyncTypebox<{ database: Database; temporal: Client }> = async (app, deps) => {
  app.post(
    '/admin/dead-letters/retry',
    {
      schema: {
        tags: ['admin'],
        summary: 'Retry many dead letters',
        description:
          'Those that have waited longest first. Called again, those told before are skipped; none is taken up twice. What moved money, what a person says was paid, and what is being cancelled is skipped with its reason. 503: Temporal is away, nothing was lost, call again.',
        security: [{ bearer: [] }],
        body: BulkRetryBodySchema,
        response: { 200: BulkRetryAnswerSchema },
      },
      config: { access: { who: ADMINS, audit: 'withdrawal.retry-many' } },
    },
    async (request) => {
      const { filter, dryRun = false, limit = BULK_RETRY_MAX } = request.body;
      const { id: accountId } = accountOf(request);
      const answer = await retryMany(deps, { filter: filterOf(filter), dryRun, limit, accountId, logger: request.log });
      request.audit.after({ filter, dryRun, requestIds: answer.requestIds, skipped: answer.skipped.length });
      if (!dryRun) request.log.info({ accountId, filter, matched: answer.matched, retried: answer.retried, requestIds: answer.requestIds }, 'dead letters retried');
      return answer;
    },
  );
};

/** A filter that says nothing would fit everything: whoever means that says `all`. */
function filterOf({ all, parkedAfter, parkedBefore, ...equal }: BulkRetryBody['filter']): DeadLetterFilter {
  const filter = { ...equal, from: optionalTime('filter.parkedAfter', parkedAfter), to: optionalTime('filter.parkedBefore', parkedBefore) };
  const isEmpty = Object.values(filter).every((value) => value === undefined);
  if (isEmpty !== (all === true)) throw new EngineError('VALIDATION_FAILED', { field: 'filter', reason: isEmpty ? 'say-all' : 'all-or-filter' });
  return filter;
}
