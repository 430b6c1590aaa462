import type { FastifyInstance } from 'fastify';
import { AssetListSchema, AssetSchema } from './asset.ts';
import { RefreshSchema, SignInSchema, TokensSchema } from './auth.ts';
import { ErrorBodySchema } from './error.ts';
import { ListedAddressListSchema, ListedAddressSchema } from './listed-address.ts';
import { PolicyListSchema, PolicyVersionSchema, SimulationSchema } from './policy.ts';
import { ReadinessSchema } from './readiness.ts';
import { AttemptSchema, NewWithdrawalSchema, TimelineEntrySchema, WithdrawalDetailSchema, WithdrawalListSchema, WithdrawalSchema } from './withdrawal.ts';

/** Makes every named shape known, so that routes and the OpenAPI document refer to it by its name. */
export function registerSchemas(app: FastifyInstance): void {
  const schemas = [
    ErrorBodySchema, AssetSchema, AssetListSchema, SignInSchema, RefreshSchema, TokensSchema, ReadinessSchema,
    AttemptSchema, TimelineEntrySchema, WithdrawalSchema, WithdrawalDetailSchema, WithdrawalListSchema, NewWithdrawalSchema,
    PolicyVersionSchema, PolicyListSchema, SimulationSchema, ListedAddressSchema, ListedAddressListSchema,
  ];
  for (const schema of schemas) app.addSchema(schema);
}
