import type { FastifyInstance } from 'fastify';
import { AlertListSchema, AlertSchema } from './alert.ts';
import { AssetListSchema, AssetSchema } from './asset.ts';
import { RefreshSchema, SignInSchema, TokensSchema } from './auth.ts';
import { BulkRetryAnswerSchema, BulkRetryBodySchema, DeadLetterListSchema, DeadLetterSchema, MarkPaidBodySchema } from './dead-letter.ts';
import { ErrorBodySchema } from './error.ts';
import { ReadinessSchema } from './readiness.ts';
import { AttemptSchema, NewWithdrawalSchema, TimelineEntrySchema, WithdrawalDetailSchema, WithdrawalListSchema, WithdrawalSchema } from './withdrawal.ts';

/** Makes every named shape known, so that routes and the OpenAPI document refer to it by its name. */
export function registerSchemas(app: FastifyInstance): void {
  const schemas = [
    ErrorBodySchema, AssetSchema, AssetListSchema, SignInSchema, RefreshSchema, TokensSchema, ReadinessSchema,
    AttemptSchema, TimelineEntrySchema, WithdrawalSchema, WithdrawalDetailSchema, WithdrawalListSchema, NewWithdrawalSchema,
    DeadLetterSchema, DeadLetterListSchema, BulkRetryBodySchema, BulkRetryAnswerSchema, MarkPaidBodySchema, AlertSchema, AlertListSchema,
  ];
  for (const schema of schemas) app.addSchema(schema);
}
