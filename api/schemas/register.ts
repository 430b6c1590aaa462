import type { FastifyInstance } from 'fastify';
import { AdminTransactionDetailSchema, AdminTransactionListSchema, AdminTransactionSchema } from './admin-transaction.ts';
import { AlertListSchema, AlertSchema } from './alert.ts';
import { ApiKeyListSchema, ApiKeySchema, ApiKeyWithSecretSchema, NewApiKeySchema } from './api-key.ts';
import { AssetListSchema, AssetSchema } from './asset.ts';
import { JwksSchema, PasswordChangeSchema, RefreshSchema, RegistrationSchema, SessionListSchema, SessionSchema, SignInSchema, TokensSchema } from './auth.ts';
import { BulkRetryAnswerSchema, BulkRetryBodySchema, DeadLetterListSchema, DeadLetterSchema, MarkPaidBodySchema } from './dead-letter.ts';
import { AuditEntrySchema, AuditListSchema, AuditVerificationSchema } from './audit.ts';
import { ErrorBodySchema } from './error.ts';
import { HaltAnswerSchema, HaltBodySchema, HaltListSchema, HaltSchema } from './halt.ts';
import { QueueListSchema, QueueSchema } from './queues.ts';
import { ListedAddressListSchema, ListedAddressSchema } from './listed-address.ts';
import { PayloadReaderSchema } from './payload-reader.ts';
import { PolicyListSchema, PolicyVersionSchema, SimulationSchema } from './policy.ts';
import { ReadinessSchema } from './readiness.ts';
import { OneTimeCodeSchema, PasswordAgainSchema, SecondFactorCodeSchema, SecondFactorEnrolmentSchema, SecondFactorRemovalSchema, SecondFactorResetSchema, SecondFactorSchema } from './second-factor.ts';
import { StatsSchema } from './stats.ts';
import { MovementListSchema, MovementSchema, NewMovementSchema } from './movement.ts';
import { NewUserSchema, UserChangesSchema, UserListSchema, UserSchema, UserWithPasswordSchema } from './user.ts';
import { HotWalletListSchema, HotWalletSchema, WalletMoveSchema } from './wallet.ts';
import { ApprovalsSchema, AttemptSchema, NewWithdrawalSchema, TimelineEntrySchema, WithdrawalDetailSchema, WithdrawalListSchema, WithdrawalRejectionSchema, WithdrawalSchema } from './withdrawal.ts';
import {
  NewWebhookSchema, NewWebhookSecretSchema, WebhookChangesSchema, WebhookDeliveryListSchema, WebhookDeliverySchema, WebhookListSchema, WebhookMessageSchema, WebhookSchema, WebhookSecretSchema,
  WebhookWithSecretSchema,
} from './webhook.ts';

/** Makes every named shape known, so that routes and the OpenAPI document refer to it by its name. */
export function registerSchemas(app: FastifyInstance): void {
  const schemas = [
    ErrorBodySchema, AssetSchema, AssetListSchema, SignInSchema, RefreshSchema, TokensSchema, ReadinessSchema,
    RegistrationSchema, PasswordChangeSchema, SessionSchema, SessionListSchema, JwksSchema, UserSchema, UserListSchema, NewUserSchema, UserWithPasswordSchema, UserChangesSchema,
    ApprovalsSchema, AttemptSchema, TimelineEntrySchema, WithdrawalSchema, WithdrawalDetailSchema, WithdrawalListSchema, NewWithdrawalSchema, WithdrawalRejectionSchema,
    ApiKeySchema, ApiKeyWithSecretSchema, ApiKeyListSchema, NewApiKeySchema,
    PasswordAgainSchema, SecondFactorEnrolmentSchema, OneTimeCodeSchema, SecondFactorCodeSchema, SecondFactorRemovalSchema, SecondFactorSchema, SecondFactorResetSchema,
    HaltSchema, HaltListSchema, HaltAnswerSchema, HaltBodySchema,
    PayloadReaderSchema, StatsSchema, QueueSchema, QueueListSchema, AdminTransactionSchema, AdminTransactionDetailSchema, AdminTransactionListSchema,
    HotWalletSchema, HotWalletListSchema, WalletMoveSchema, NewMovementSchema, MovementSchema, MovementListSchema,
    WebhookSchema, WebhookWithSecretSchema, WebhookListSchema, NewWebhookSchema, WebhookChangesSchema, NewWebhookSecretSchema, WebhookSecretSchema, WebhookDeliverySchema, WebhookDeliveryListSchema,
    WebhookMessageSchema,
    PolicyVersionSchema, PolicyListSchema, SimulationSchema, ListedAddressSchema, ListedAddressListSchema,
    DeadLetterSchema, DeadLetterListSchema, BulkRetryBodySchema, BulkRetryAnswerSchema, MarkPaidBodySchema, AlertSchema, AlertListSchema,
    AuditEntrySchema, AuditListSchema, AuditVerificationSchema,
  ];
  for (const schema of schemas) app.addSchema(schema);
}
