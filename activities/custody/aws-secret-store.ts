import {
  CreateSecretCommand,
  GetSecretValueCommand,
  paginateListSecrets,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  SecretsManagerClient,
  SecretsManagerServiceException,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import {
  SecretExistsError,
  SecretNotFoundError,
  SecretStoreRefusedError,
  SecretStoreUnavailableError,
  type SecretStore,
  type StoredSecret,
} from './secret-store.ts';

const ATTEMPTS_MAX = 3;
const REQUEST_TIMEOUT_MS = 3_000;
/** Three attempts and the SDK's pauses between them. */
const CALL_TIMEOUT_MS = 12_000;
const PAGE_SIZE = 100;
const SECRETS_MAX = 10_000;

export interface AwsSecretStoreOptions {
  /** `AWS_REGION` by default. */
  readonly region?: string;
  /** `AWS_ENDPOINT_URL` by default, else Amazon's own. */
  readonly endpoint?: string;
  /** The SDK's usual chain (environment, profile, instance role) by default. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** A store to be closed when its process ends. */
export interface AwsSecretStore extends SecretStore {
  close(): void;
}

/**
 * Secrets in AWS Secrets Manager. An attempt takes 3 s at most, a call three attempts (the SDK's standard retries, with
 * its idempotency tokens) and 12 s at most. A secret is never deleted here.
 */
export function createAwsSecretStore(options: AwsSecretStoreOptions = {}): AwsSecretStore {
  const client = new SecretsManagerClient({
    ...options,
    maxAttempts: ATTEMPTS_MAX,
    requestHandler: {
      connectionTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      // Without this the SDK only warns and goes on waiting.
      throwOnRequestTimeout: true,
    },
  });

  async function read(name: string, versionId?: string): Promise<StoredSecret> {
    // The current one is asked for by its label: moto's default does not follow the label when it moves.
    const which = versionId === undefined ? { VersionStage: 'AWSCURRENT' } : { VersionId: versionId };
    const answer = await client.send(new GetSecretValueCommand({ SecretId: name, ...which }), limit());
    if (answer.SecretString === undefined || answer.VersionId === undefined) {
      throw new SecretStoreRefusedError(name, 'the secret holds no text');
    }
    return { value: answer.SecretString, versionId: answer.VersionId };
  }

  return {
    get: (name) => translated(name, () => read(name)),

    create: (name, value) =>
      translated(name, async () => {
        await client.send(new CreateSecretCommand({ Name: name, SecretString: value }), limit());
      }),

    replace: (name, value, { previousVersionId, verify }) =>
      translated(name, async () => {
        const put = await client.send(new PutSecretValueCommand({ SecretId: name, SecretString: value, VersionStages: ['AWSPENDING'] }), limit());
        if (put.VersionId === undefined) throw new SecretStoreRefusedError(name, 'the store gave the new version no id');
        verifyOutside((await read(name, put.VersionId)).value, verify);
        await client.send(
          new UpdateSecretVersionStageCommand({
            SecretId: name,
            VersionStage: 'AWSCURRENT',
            MoveToVersionId: put.VersionId,
            // Refused by the store unless this version is still the current one.
            RemoveFromVersionId: previousVersionId,
          }),
          limit(),
        );
      }),

    list: (prefix) =>
      translated(`${prefix}*`, async () => {
        const names: string[] = [];
        for await (const page of paginateListSecrets({ client, pageSize: PAGE_SIZE }, { Filters: [{ Key: 'name', Values: [prefix] }] })) {
          // The filter ignores case and splits words: it narrows, it does not decide.
          names.push(...(page.SecretList ?? []).flatMap(({ Name }) => (Name?.startsWith(prefix) === true ? [Name] : [])));
          if (names.length > SECRETS_MAX) throw new SecretStoreRefusedError(`${prefix}*`, `more than ${SECRETS_MAX} secrets`);
        }
        return names.toSorted();
      }),

    close: () => client.destroy(),
  };
}

/** How long one call may take, its retries included. */
function limit(): { readonly abortSignal: AbortSignal } {
  return { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) };
}

/** The caller's own refusal; passes through the translation of the store's errors untouched. */
class VerificationFailure extends Error {
  override readonly name = 'VerificationFailure';
}

function verifyOutside(stored: string, verify: (stored: string) => void): void {
  try {
    verify(stored);
  } catch (cause) {
    throw new VerificationFailure('the stored value was refused', { cause });
  }
}

async function translated<Result>(name: string, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw translate(name, error);
  }
}

function translate(name: string, error: unknown): unknown {
  if (error instanceof VerificationFailure) return error.cause;
  if (error instanceof SecretStoreRefusedError) return error;
  if (error instanceof ResourceNotFoundException || isBeingDeleted(error)) return new SecretNotFoundError(name, 'no such secret', { cause: error });
  if (error instanceof ResourceExistsException) return new SecretExistsError(name, 'the secret exists already', { cause: error });
  if (isRefusal(error)) return new SecretStoreRefusedError(name, 'the secret store refused', { cause: error });
  // What never reached the service: sockets, names, timeouts; and what it could not serve: 5xx, throttling.
  return new SecretStoreUnavailableError(name, 'the secret store cannot be reached', { cause: error });
}

function isRefusal(error: unknown): boolean {
  if (!(error instanceof SecretsManagerServiceException)) return error instanceof Error && error.name === 'CredentialsProviderError';
  const status = error.$metadata.httpStatusCode ?? 500;
  return status >= 400 && status < 500 && status !== 429 && !THROTTLING.has(error.name) && error.$retryable === undefined;
}

/** Secrets Manager answers throttling with status 400; only the name tells. */
const THROTTLING: ReadonlySet<string> = new Set(['ThrottlingException', 'Throttling', 'TooManyRequestsException', 'LimitExceededException', 'RequestTimeout']);

function isBeingDeleted(error: unknown): boolean {
  return error instanceof SecretsManagerServiceException && error.name === 'InvalidRequestException' && /deletion|deleted/i.test(error.message);
}
