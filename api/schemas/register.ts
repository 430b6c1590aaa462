import type { FastifyInstance } from 'fastify';
import { AssetListSchema, AssetSchema } from './asset.ts';
import { RefreshSchema, SignInSchema, TokensSchema } from './auth.ts';
import { ErrorBodySchema } from './error.ts';
import { ReadinessSchema } from './readiness.ts';
import { ApprovalsSchema, AttemptSchema, NewWithdrawalSchema, TimelineEntrySchema, WithdrawalDetailSchema, WithdrawalListSchema, WithdrawalRejectionSchema, WithdrawalSchema } from './withdrawal.ts';

/** Makes every named shape known, so that routes and the OpenAPI document refer to it by its name. */
export function registerSchemas(app: FastifyInstance): void {
  const schemas = [
    ErrorBodySchema, AssetSchema, AssetListSchema, SignInSchema, RefreshSchema, TokensSchema, ReadinessSchema,
    ApprovalsSchema, AttemptSchema, TimelineEntrySchema, WithdrawalSchema, WithdrawalDetailSchema, WithdrawalListSchema, NewWithdrawalSchema, WithdrawalRejectionSchema,
  ];
  for (const schema of schemas) app.addSchema(schema);
}
