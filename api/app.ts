import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { LRUCache } from 'lru-cache';
import { createSecondFactorSeal } from '../db/second-factor-seal.ts';
import { findAsset, type Asset } from '../db/repositories/assets.ts';
import { readLiveRules } from '../db/repositories/policy/policies.ts';
import { listWallets } from '../db/repositories/wallets/wallets.ts';
import type { Policy } from '../domain/policy.ts';
import { createEmailSecrets } from './auth/email-secrets.ts';
import { createApiKeySecrets } from './auth/api-key-secrets.ts';
import { createLines } from './auth/lines.ts';
import { createPasswordVerifier } from './auth/passwords.ts';
import { correlationIdFrom } from './correlation.ts';
import type { ApiDependencies } from './dependencies.ts';
import { HTTP_LIMITS, type HttpLimits } from './http-limits.ts';
import { answerClientError } from './errors/client-error.ts';
import { accessPlugin } from './plugins/access.ts';
import { auditPlugin } from './plugins/audit.ts';
import { authenticationPlugin } from './plugins/authentication.ts';
import { bareRequestsPlugin } from './plugins/bare-requests.ts';
import { bodiesPlugin } from './plugins/bodies.ts';
import { closingPlugin } from './plugins/closing.ts';
import { corsPlugin } from './plugins/cors.ts';
import { correlationPlugin } from './plugins/correlation.ts';
import { DOCS_PREFIX, docsPlugin } from './plugins/docs.ts';
import { answerError, errorsPlugin } from './plugins/errors.ts';
import { metricsPlugin } from './plugins/metrics.ts';
import { rateLimitsPlugin } from './plugins/rate-limits.ts';
import { requestLimitsPlugin } from './plugins/request-limits.ts';
import { requestLogPlugin } from './plugins/request-log.ts';
import { securityHeadersPlugin } from './plugins/security-headers.ts';
import { signedRequestsPlugin } from './plugins/signed-requests.ts';
import { createChecks } from './ready/checks.ts';
import { CHECK_TIMEOUT_MS, createReadiness } from './ready/readiness.ts';
import { auditRoutes } from './routes/admin/audit.ts';
import { getTransaction } from './routes/admin/get-transaction.ts';
import { halt } from './routes/admin/halt.ts';
import { haltList } from './routes/admin/list-halts.ts';
import { listTransactions } from './routes/admin/list-transactions.ts';
import { queues } from './routes/admin/queues.ts';
import { resume } from './routes/admin/resume.ts';
import { stats } from './routes/admin/stats.ts';
import { listWallets as listHotWallets } from './routes/admin/list-wallets.ts';
import { listMovements } from './routes/admin/list-movements.ts';
import { payloadReader } from './routes/admin/payload-reader.ts';
import { moveWallet } from './routes/admin/move-wallet.ts';
import { postMovement } from './routes/admin/post-movement.ts';
import { decideAddress } from './routes/admin/decide-address.ts';
import { decidePolicy } from './routes/admin/decide-policy.ts';
import { listAddresses } from './routes/admin/list-addresses.ts';
import { listPolicies } from './routes/admin/list-policies.ts';
import { proposeAddress } from './routes/admin/propose-address.ts';
import { proposePolicyRoute } from './routes/admin/propose-policy.ts';
import { simulatePolicy } from './routes/admin/simulate-policy.ts';
import { changeUser } from './routes/admin/change-user.ts';
import { createUserRoute } from './routes/admin/create-user.ts';
import { listUsers } from './routes/admin/list-users.ts';
import { cancelTransaction } from './routes/admin/cancel-transaction.ts';
import { decideTransaction } from './routes/admin/decide-transaction.ts';
import { alertList } from './routes/admin/list-alerts.ts';
import { deadLetterList } from './routes/admin/list-dead-letters.ts';
import { markTransactionPaid } from './routes/admin/mark-transaction-paid.ts';
import { bulkRetry } from './routes/admin/retry-dead-letters.ts';
import { resetSecondFactorRoute } from './routes/admin/reset-second-factor.ts';
import { retryTransaction } from './routes/admin/retry-transaction.ts';
import { createApiKeyRoute } from './routes/api-keys/create-api-key.ts';
import { listApiKeys } from './routes/api-keys/list-api-keys.ts';
import { revokeApiKeyRoute } from './routes/api-keys/revoke-api-key.ts';
import { cancelWithdrawal } from './routes/cancel-withdrawal.ts';
import { changeOwnPassword } from './routes/change-password.ts';
import { getWithdrawal } from './routes/get-withdrawal.ts';
import { health } from './routes/health.ts';
import { jwks } from './routes/jwks.ts';
import { listAssets } from './routes/list-assets.ts';
import { listWithdrawals } from './routes/list-withdrawals.ts';
import { login } from './routes/login.ts';
import { logout } from './routes/logout.ts';
import { metrics } from './routes/metrics.ts';
import { postWithdrawal } from './routes/post-withdrawal.ts';
import { ready } from './routes/ready.ts';
import { refresh } from './routes/refresh.ts';
import { confirmSecondFactorRoute } from './routes/second-factor/confirm-second-factor.ts';
import { enrolSecondFactorRoute } from './routes/second-factor/enrol-second-factor.ts';
import { getSecondFactor } from './routes/second-factor/get-second-factor.ts';
import { removeSecondFactorRoute } from './routes/second-factor/remove-second-factor.ts';
import { verifySecondFactorRoute } from './routes/second-factor/verify-second-factor.ts';
import { register } from './routes/register.ts';
import { ownSessions } from './routes/sessions.ts';
import { changeWebhook } from './routes/webhooks/change-webhook.ts';
import { createWebhook } from './routes/webhooks/create-webhook.ts';
import { getWebhooks } from './routes/webhooks/get-webhooks.ts';
import { rotateWebhookSecret } from './routes/webhooks/rotate-webhook-secret.ts';
import { webhookDeliveryRoutes } from './routes/webhooks/webhook-deliveries.ts';
import { withdrawalEventStream } from './routes/withdrawal-events.ts';
import { registerSchemas } from './schemas/register.ts';
import { requireShown } from './second-factor/require-shown.ts';
import { validatorCompiler } from './validation.ts';
import type { AcceptDependencies } from './withdrawals/accept.ts';
import { createWorkflowStarter } from './withdrawals/starter.ts';

/** Sign-ins that wait for others of the same address and place. */
const SIGN_INS_WAITING_MAX = 200;
/** How long an asset that was switched off, a wallet that is new, or a new policy may go unseen here. The worker checks again. */
const REGISTRY_CACHE_MS = 1_000;

/** The API as a Fastify app that does not listen yet. Closing it ends streams and background starts, not what it was given. */
export async function buildApp(deps: ApiDependencies, limits: HttpLimits = HTTP_LIMITS): Promise<FastifyInstance> {
  const { database, settings } = deps;
  const loggerInstance: FastifyBaseLogger = deps.logger;
  const app = Fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'correlationId' }),
    genReqId: (request) => correlationIdFrom(request.headers),
    requestIdHeader: false,
    trustProxy: settings.api.trustedProxies.length > 0 && settings.api.trustedProxies,
    bodyLimit: limits.bodyBytesMax,
    // The whole target is bounded, and a path that is known is answered in the order of every other: who asks comes first.
    routerOptions: { maxParamLength: limits.urlBytesMax },
    connectionTimeout: limits.silenceMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    http: { maxHeaderSize: limits.headerBytesMax, headersTimeout: limits.headersTimeoutMs, requestTimeout: limits.requestTimeoutMs, connectionsCheckingInterval: limits.connectionsCheckMs, requireHostHeader: false },
    forceCloseConnections: 'idle',
    // While closing, requests on open connections are still answered.
    return503OnClosing: false,
    frameworkErrors: answerError,
    clientErrorHandler: answerClientError,
  });
  app.setValidatorCompiler(validatorCompiler);
  registerSchemas(app);

  const starter = createWorkflowStarter({ temporal: deps.temporal, database });
  app.addHook('onClose', () => starter.close());

  await app.register(correlationPlugin);
  await app.register(errorsPlugin);
  await app.register(bareRequestsPlugin);
  await app.register(bodiesPlugin, { jsonDepthMax: limits.jsonDepthMax });
  await app.register(closingPlugin);
  await app.register(requestLogPlugin);
  await app.register(metricsPlugin);
  await app.register(securityHeadersPlugin);
  await app.register(corsPlugin, { origins: settings.api.corsOrigins });
  await app.register(requestLimitsPlugin, limits);
  const secrets = createApiKeySecrets(deps.sealKey);
  await app.register(signedRequestsPlugin, { database, secrets });
  await app.register(authenticationPlugin, { database, signingJwk: deps.signingJwk, previousJwks: deps.previousJwks });
  await app.register(rateLimitsPlugin, { redis: deps.redis, rateLimits: settings.rateLimits, answerMs: limits.countersAnswerMs });
  await app.register(accessPlugin, { openPages: DOCS_PREFIX, requireShown: requireShown(database, settings.accounts.secondFactorRequired) });
  await app.register(auditPlugin, { database });
  await app.register(docsPlugin);

  await app.register(postWithdrawal, { books: deps.books, acceptance: acceptanceFrom(deps), starter, settings });
  await app.register(listWithdrawals, { database, settings });
  await app.register(getWithdrawal, { database, settings });
  await app.register(cancelWithdrawal, { database, starter, settings });
  await app.register(decideTransaction, { database, temporal: deps.temporal, sealKey: deps.sealKey, settings });
  await app.register(cancelTransaction, { database, starter, settings });
  await app.register(withdrawalEventStream, { database });
  await app.register(listPolicies, { database });
  await app.register(proposePolicyRoute, { database, sealKey: deps.sealKey, settings });
  await app.register(decidePolicy, { database, sealKey: deps.sealKey });
  await app.register(simulatePolicy, { database, settings });
  await app.register(listAddresses, { database });
  await app.register(proposeAddress, { database, sealKey: deps.sealKey, settings });
  await app.register(decideAddress, { database, sealKey: deps.sealKey });
  await app.register(deadLetterList, { database, settings });
  await app.register(bulkRetry, { database, temporal: deps.temporal });
  await app.register(retryTransaction, { database, temporal: deps.temporal, settings });
  await app.register(markTransactionPaid, { database, temporal: deps.temporal, settings });
  await app.register(alertList, { database });
  await app.register(auditRoutes, { database, temporal: deps.temporal });
  await app.register(listAssets, { database, network: settings.chain.network });
  await app.register(listTransactions, { database, settings });
  await app.register(getTransaction, { database, settings });
  await app.register(payloadReader);
  await app.register(queues, { database, temporal: deps.temporal });
  await app.register(stats, { database, settings });
  await app.register(halt, { database, settings });
  await app.register(resume, { database, settings });
  await app.register(haltList, { database });
  await app.register(listHotWallets, { database, settings });
  await app.register(moveWallet, { database, settings });
  await app.register(postMovement, { database, settings });
  await app.register(listMovements, { database, settings });
  const webhooks = { database, settings, webhookKey: deps.webhookKey };
  for (const routes of [createWebhook, getWebhooks, changeWebhook, rotateWebhookSecret, webhookDeliveryRoutes]) await app.register(routes, webhooks);
  await app.register(createApiKeyRoute, { database, secrets });
  await app.register(listApiKeys, { database });
  await app.register(revokeApiKeyRoute, { database });
  const credentials = { database, addresses: createEmailSecrets(deps.sealKey), passwords: createPasswordVerifier(() => app.metrics.passwordHashes.inc()), inLine: createLines(SIGN_INS_WAITING_MAX) };
  await app.register(register, { ...credentials, accounts: settings.accounts });
  await app.register(login, credentials);
  await app.register(changeOwnPassword, credentials);
  await app.register(ownSessions, { database });
  await app.register(jwks);
  await app.register(listUsers, { database });
  await app.register(createUserRoute, credentials);
  await app.register(changeUser, { database });
  await app.register(refresh, { database });
  await app.register(logout, { database });
  const secondFactor = { ...credentials, settings, seal: createSecondFactorSeal(deps.sealKey) };
  for (const routes of [getSecondFactor, enrolSecondFactorRoute, confirmSecondFactorRoute, verifySecondFactorRoute, removeSecondFactorRoute]) await app.register(routes, secondFactor);
  await app.register(resetSecondFactorRoute, { database });
  await app.register(health);
  await app.register(ready, { readiness: createReadiness(createChecks({ database, redis: deps.redis, temporal: deps.temporal, books: deps.books, chainId: settings.chain.chainId, timeoutMs: CHECK_TIMEOUT_MS })) });
  await app.register(metrics);
  return app;
}

/** What accepting reads on every request comes from short caches. */
function acceptanceFrom({ database, settings, sealKey, crashPoint }: ApiDependencies): AcceptDependencies {
  const { chain } = settings;
  const assets = new LRUCache<string, Asset>({ max: 100, ttl: REGISTRY_CACHE_MS, fetchMethod: (currency) => findAsset(database, chain.network, currency) });
  const wallets = new LRUCache<'all', string[]>({
    max: 1,
    ttl: REGISTRY_CACHE_MS,
    fetchMethod: async () => (await listWallets(database, chain.chainId)).map(({ address }) => address),
  });
  const policies = new LRUCache<'live', { rules: Policy | null }>({ max: 1, ttl: REGISTRY_CACHE_MS, fetchMethod: async () => ({ rules: await readLiveRules(database) }) });
  return {
    database,
    chain,
    sealKey,
    crashPoint,
    findAsset: (currency) => assets.fetch(currency),
    livePolicy: async () => (await policies.fetch('live'))?.rules ?? null,
    ownWallets: async () => {
      const addresses = await wallets.fetch('all');
      if (!addresses) throw new Error('the wallets could not be read');
      return addresses;
    },
  };
}
