import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { Wallet } from 'ethers';
import { Redis } from 'ioredis';
import mysql from 'mysql2/promise';
import { Secret as TotpSecret, TOTP } from 'otpauth/slim';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSealedKey, parseSealedKey } from '../../activities/custody/envelope.ts';
import { startReceiver, type Receiver } from '../../activities/webhooks/receiver.testkit.ts';
import { signatureHeaders } from '../../api/client/sign-request.ts';
import { INFRASTRUCTURE, ROLES, type ChildName } from '../../scripts/stack/privileges.ts';
import { ensureSecrets, type Secrets } from '../../scripts/stack/secrets.ts';
import { startRpcProxy, type RpcProxy } from '../harness/rpc-proxy.ts';
import { sandboxEnvironment, startSandbox, type TestSandbox } from '../harness/sandbox.ts';
import { SecretSearch, type Finding } from '../harness/secret-search.ts';

/**
 * Marked secrets go through the running engine on every road, right and wrong, and are then looked for in all that it leaves
 * behind: logs, database, Redis, Temporal, metrics, answers, processes, and the files of its stores.
 */

/** Where a secret belongs, and why. Anywhere else is a leak. */
const BELONGS: readonly { secret: RegExp; place: RegExp; because: string }[] = [
  { secret: /^database password$/, place: /^environment of (api-server|withdrawal-worker|signing-service|tx-broadcaster|tx-monitor)$/, because: 'each role connects by itself' },
  { secret: /^Redis password$/, place: /^environment of (api-server|withdrawal-worker|signing-service|tx-broadcaster|tx-monitor)$/, because: 'each role connects by itself' },
  { secret: /^RPC key$/, place: /^environment of (withdrawal-worker|signing-service|tx-broadcaster|tx-monitor)$/, because: 'they ask the chain' },
  { secret: /^seal key/, place: /^environment of (api-server|signing-service)$/, because: 'one seals, the other checks' },
  { secret: /^webhook key/, place: /^environment of (api-server|withdrawal-worker)$/, because: 'one seals the secrets, the other signs with them' },
  { secret: /^session key/, place: /^environment of api-server$/, because: 'it issues tokens' },
  { secret: /^(key-encryption key|secret store credential)/, place: /^environment of signing-service$/, because: 'it opens keys' },
  { secret: /^access token/, place: /^answer POST \/auth\/(login|refresh) 200$/, because: 'it is what was asked for' },
  { secret: /^refresh token/, place: /^answer POST \/auth\/(login|refresh) 200$/, because: 'it is what was asked for' },
  { secret: /^webhook secret/, place: /^answer POST \/webhooks(\/\d+\/secrets)? 201$/, because: 'shown this once' },
  { secret: /^payload key/, place: /^environment of (api-server|withdrawal-worker|signing-service|tx-broadcaster|tx-monitor|codec-server)$/, because: 'they seal and open what Temporal holds' },
  { secret: /^access token/, place: /^answer POST \/auth\/register 201$/, because: 'it is what was asked for' },
  { secret: /^refresh token/, place: /^answer POST \/auth\/register 201$/, because: 'it is what was asked for' },
  { secret: /^(TOTP secret|recovery code)/, place: /^answer POST \/auth\/second-factor 201$/, because: 'shown this once' },
  { secret: /^secret of an API key$/, place: /^answer POST \/api-keys 201$/, because: 'shown this once' },
  { secret: /^initial password$/, place: /^answer POST \/admin\/users 201$/, because: 'shown this once' },
  { secret: /^misplaced: the name of a field$/, place: /^answer (GET \/withdrawals|POST \/auth\/refresh) 400$/, because: 'whoever sent it is told which field is unknown' },
];

const EMPTY_PAGE = Buffer.alloc(4_096);
const WAIT = { timeout: 90_000, interval: 200 };
const mark = (what: string): string => `${randomBytes(12).toString('hex')}-canary-${what}`;

interface Answer {
  status: number;
  body: string;
}

let stateDir: string;
let ports: Record<string, string>;
let sandbox: TestSandbox;
let proxy: RpcProxy;
let receiver: Receiver;
let secrets: Secrets;
/** Without the codec: what the server itself can read. */
let plainTemporal: Client;
const rpcKey = mark('rpc-key');
const search = new SecretSearch();
/** Everything the API has said, by what was asked. */
const answers: { place: string; text: string }[] = [];

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'canary-'));
  ports = await sandboxEnvironment(stateDir);
  receiver = await startReceiver();
  sandbox = await startSandbox(
    { ...ports, LOG_LEVEL: 'DEBUG' },
    {
      stateDir,
      through: async (connections) => {
        proxy = await startRpcProxy(connections.rpcUrl);
        return { ...connections, rpcUrl: `${proxy.url}/v2/${rpcKey}` };
      },
    },
  );
  secrets = ensureSecrets(join(stateDir, 'secrets'));
  plainTemporal = new Client({ connection: await Connection.connect({ address: `127.0.0.1:${ports['TEMPORAL_PORT']}` }) });
});
afterAll(async () => {
  await plainTemporal?.connection.close();
  await sandbox?.stop();
  await proxy?.stop();
  await receiver?.close();
  if (process.env['KEEP_SANDBOX'] === undefined) rmSync(stateDir, { recursive: true, force: true });
});

/** Asks the API, keeps what it says, and never throws: some calls are made while it cannot answer. */
async function call(method: string, path: string, options: { body?: unknown; raw?: string; token?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
  const { body, raw, token, headers = {} } = options;
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  try {
    const response = await fetch(`${sandbox.credentials.baseUrl}${path}`, {
      method,
      headers: { ...(payload !== undefined && { 'content-type': 'application/json' }), ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
      ...(payload !== undefined && { body: payload }),
      signal: AbortSignal.timeout(15_000),
    });
    const text = await response.text();
    // The path as asked is the caller's own; what comes back is not.
    answers.push({ place: `answer ${method} ${path.split('?', 1)[0]} ${response.status}`, text: `${JSON.stringify([...response.headers])}\n${text}` });
    return { status: response.status, body: text };
  } catch (error) {
    return { status: 0, body: String(error) };
  }
}

async function succeed<T>(method: string, path: string, options: Parameters<typeof call>[2] = {}): Promise<T> {
  const { status, body } = await call(method, path, options);
  expect([status >= 200 && status < 300, method, path, body]).toEqual([true, method, path, body]);
  return (body === '' ? undefined : JSON.parse(body)) as T;
}

interface Tokens {
  accessToken: string;
  refreshToken: string;
}

function addTokens(whose: string, { accessToken, refreshToken }: Tokens): void {
  // Header and claims are no secret; what makes it a token is the signature.
  search.add({ name: `access token of ${whose}`, value: accessToken.split('.')[2] ?? '' });
  search.add({ name: `refresh token of ${whose}`, value: refreshToken });
}

async function signIn(whose: 'user' | 'admin' | 'approver'): Promise<Tokens> {
  const { email, password } = sandbox.credentials[whose as 'user'];
  const tokens = await succeed<Tokens>('POST', '/auth/login', { body: { email, password } });
  addTokens(whose, tokens);
  return tokens;
}

const payment = (amount: string) => ({ amount, currency: 'USDC', toAddress: Wallet.createRandom().address, network: 'polygon-amoy' });

async function withdraw(token: string, amount: string): Promise<string> {
  const key = mark('idempotency-key');
  search.add({ name: 'idempotency key', value: key });
  return (await succeed<{ requestId: string }>('POST', '/withdrawals', { body: payment(amount), token, headers: { 'idempotency-key': key } })).requestId;
}

const statusOf = async (requestId: string, token: string) => (JSON.parse((await call('GET', `/withdrawals/${requestId}`, { token })).body || '{}') as { status?: string }).status;

/** A process as the kernel shows it. */
function processText(child: ChildName, file: 'cmdline' | 'environ'): string {
  const identity = sandbox.processOf(child);
  if (!identity) throw new Error(`${child} does not run`);
  return readFileSync(`/proc/${identity.pid}/${file}`, 'utf8');
}

function filesUnder(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function lookIntoDatabase(): Promise<void> {
  const connection = await mysql.createConnection({ uri: sandbox.credentials.databaseUrl, supportBigNumbers: true, bigNumberStrings: true });
  try {
    const [tables] = await connection.query<mysql.RowDataPacket[]>("SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'");
    expect(tables.length).toBeGreaterThan(25);
    for (const { name } of tables as { name: string }[]) {
      const [rows] = await connection.query<mysql.RowDataPacket[]>(`SELECT * FROM \`${name}\``);
      for (const row of rows) for (const [column, value] of Object.entries(row)) search.look(`database ${name}.${column}`, Buffer.isBuffer(value) || typeof value === 'string' ? value : JSON.stringify(value));
    }
  } finally {
    await connection.end();
  }
}

async function lookIntoRedis(): Promise<void> {
  const redis = new Redis(sandbox.credentials.redisUrl);
  try {
    for await (const keys of redis.scanStream()) {
      for (const key of keys as string[]) {
        const type = await redis.type(key);
        const readers: Record<string, () => Promise<unknown>> = { string: () => redis.get(key), hash: () => redis.hgetall(key), list: () => redis.lrange(key, 0, -1), set: () => redis.smembers(key), zset: () => redis.zrange(key, '0', '-1') };
        const read = readers[type];
        if (!read) throw new Error(`nobody reads a Redis value of type ${type} here`);
        search.look(`Redis ${key}`, `${key} ${JSON.stringify(await read())}`);
      }
    }
  } finally {
    redis.disconnect();
  }
}

/** Raw histories, as the server gives them to anyone who may read it: no codec, no converter. */
async function lookIntoTemporal(): Promise<number> {
  const { workflowService } = plainTemporal;
  let histories = 0;
  let page: Uint8Array | undefined;
  do {
    const found = await workflowService.listWorkflowExecutions({ namespace: 'default', pageSize: 100, ...(page && { nextPageToken: page }) });
    for (const { execution, type, ...info } of found.executions ?? []) {
      search.look(`Temporal, list of ${type?.name}`, JSON.stringify(info));
      let next: Uint8Array | undefined;
      do {
        const part = await workflowService.getWorkflowExecutionHistory({ namespace: 'default', execution: execution ?? null, ...(next && { nextPageToken: next }) });
        // One event at a time, so that a finding says which; bytes hold what JSON would show as base64.
        for (const event of part.history?.events ?? []) {
          search.look(`Temporal, ${type?.name}, ${temporal.api.enums.v1.EventType[event.eventType ?? 0]}`, Buffer.from(temporal.api.history.v1.HistoryEvent.encode(event).finish()));
        }
        next = part.nextPageToken?.length ? part.nextPageToken : undefined;
      } while (next);
      histories += 1;
    }
    page = found.nextPageToken?.length ? found.nextPageToken : undefined;
  } while (page);
  return histories;
}

async function lookIntoMetrics(): Promise<void> {
  const base = Number(ports['METRICS_PORT_BASE']);
  const urls = [`${sandbox.credentials.baseUrl}/metrics`, ...[0, 1, 2, 3].map((offset) => `http://127.0.0.1:${base + offset}/metrics`)];
  for (const url of urls) {
    const text = await (await fetch(url)).text();
    expect(text).toContain('process_cpu_user_seconds_total');
    search.look(`metrics of ${url}`, text);
  }
}

/** A file without its empty pages: a database keeps many. */
function readWritten(file: string): Buffer {
  const content = readFileSync(file);
  const pages = [];
  for (let from = 0; from < content.length; from += EMPTY_PAGE.length) {
    const page = content.subarray(from, from + EMPTY_PAGE.length);
    if (!page.equals(EMPTY_PAGE.subarray(0, page.length))) pages.push(page);
  }
  return Buffer.concat(pages);
}

/** What the stores have written, as bytes: also what no query shows any more. Configuration of the embedded stores holds their passwords. */
function lookIntoFiles(): void {
  const configuration = /^(secrets\/|credentials\.json$|infrastructure\.json$|mariadb\/init\.sql$|redis\/redis\.conf$)/;
  for (const file of filesUnder(stateDir)) {
    const name = relative(stateDir, file);
    if (!configuration.test(name) && statSync(file).size > 0) search.look(`file ${name}`, readWritten(file));
  }
}

async function lookEverywhere(): Promise<Finding[]> {
  for (const { place, text } of answers) search.look(place, text);
  await lookIntoDatabase();
  await lookIntoRedis();
  expect(await lookIntoTemporal()).toBeGreaterThan(3);
  await lookIntoMetrics();
  for (const child of [...ROLES, ...INFRASTRUCTURE]) {
    search.look(`arguments of ${child}`, processText(child, 'cmdline'));
    search.look(`environment of ${child}`, processText(child, 'environ'));
  }
  lookIntoFiles();
  return search.findings;
}

/** The private keys of the hot wallets, as only a process with the key-encryption key can have them. */
async function privateKeys(): Promise<Buffer[]> {
  const connection = await mysql.createConnection(sandbox.credentials.databaseUrl);
  const [wallets] = await connection.query<mysql.RowDataPacket[]>('SELECT address, chain_id AS chainId, key_id AS keyId FROM wallets');
  await connection.end();
  return Promise.all(
    (wallets as { address: string; chainId: number; keyId: string }[]).map(async ({ address, chainId, keyId }) => {
      const response = await fetch(`http://127.0.0.1:${ports['MOTO_PORT']}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': 'secretsmanager.GetSecretValue',
          authorization: 'AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=b',
        },
        body: JSON.stringify({ SecretId: keyId }),
      });
      const { SecretString } = (await response.json()) as { SecretString: string };
      return openSealedKey({ sealedKey: parseSealedKey(SecretString), keyEncryptionKey: Buffer.from(secrets.keyEncryptionKey, 'base64'), expected: { keyId, chainId, address } });
    }),
  );
}

describe('no secret is found where it does not belong', () => {
  it('knows every secret of the deployment', async () => {
    const key = (name: string, text: string): void => {
      search.add({ name, value: text });
      search.add({ name: `${name} (its bytes)`, value: Buffer.from(text, 'base64') });
    };
    key('key-encryption key', secrets.keyEncryptionKey);
    key('seal key', secrets.sealKey);
    key('webhook key', secrets.webhookKey);
    key('payload key', secrets.temporalPayloadKeys.split(':')[1] ?? '');
    key('session key', (JSON.parse(secrets.jwtPrivateJwk) as { d: string }).d);
    key('secret store credential', secrets.awsSecretAccessKey);
    search.add({ name: 'RPC key', value: rpcKey });
    search.add({ name: 'database password', value: new URL(sandbox.credentials.databaseUrl).password });
    search.add({ name: 'Redis password', value: new URL(sandbox.credentials.redisUrl).password });
    for (const whose of ['user', 'admin', 'approver'] as const) search.add({ name: `password of ${whose}`, value: sandbox.credentials[whose as 'user'].password });
    const keys = await privateKeys();
    expect(keys).toHaveLength(2);
    for (const privateKey of keys) search.add({ name: 'private key', value: privateKey });
  });

  it('goes through what clients and operators do', async () => {
    const user = await signIn('user');
    const renewed = await succeed<Tokens>('POST', '/auth/refresh', { body: { refreshToken: user.refreshToken } });
    addTokens('user, renewed', renewed);
    const token = renewed.accessToken;
    const { id, secret } = await succeed<{ id: number; secret: string }>('POST', '/webhooks', { token, body: { url: receiver.url, description: 'canary' } });
    const rotated = await succeed<{ secret: string }>('POST', `/webhooks/${id}/secrets`, { token, body: {} });
    for (const [name, value] of [['webhook secret', secret], ['webhook secret, rotated', rotated.secret]] as const) {
      search.add({ name, value: value.slice('whsec_'.length) });
      search.add({ name: `${name} (its bytes)`, value: Buffer.from(value.slice('whsec_'.length), 'base64') });
    }
    const paid = await withdraw(token, '1.25');
    const large = await withdraw(token, '1500');
    await expect.poll(() => statusOf(large, token), WAIT).toBe('AWAITING_APPROVAL');
    const [admin, approver] = [await signIn('admin'), await signIn('approver')];
    for (const { accessToken } of [admin, approver]) await succeed('POST', `/admin/transactions/${large}/approve`, { token: accessToken });
    for (const path of ['/admin/transactions', `/admin/transactions/${large}`, '/admin/wallets', '/admin/queues', '/admin/alerts', '/admin/policies', '/admin/dead-letters', '/admin/stats']) await succeed('GET', path, { token: admin.accessToken });
    await succeed('POST', '/admin/halt', { token: admin.accessToken, body: { scope: 'global', reason: 'canary' } });
    await succeed('POST', '/admin/resume', { token: admin.accessToken, body: { scope: 'global', reason: 'canary' } });
    for (const requestId of [paid, large]) await expect.poll(() => statusOf(requestId, token), WAIT).toBe('COMPLETED');
    await expect.poll(() => receiver.received.some(({ body }) => body.includes('withdrawal.completed')), WAIT).toBe(true);
    await succeed('POST', '/auth/logout', { body: { refreshToken: approver.refreshToken } });
  });

  it('goes through accounts, second factors and API keys', async () => {
    const secret = (name: string): string => {
      const value = mark(name);
      search.add({ name, value });
      return value;
    };
    const email = `canary-${randomBytes(4).toString('hex')}@example.com`;
    const [first, second, third] = [secret('password at registration'), secret('password for a taken address'), secret('password after a change')];
    const { accessToken: token, ...tokens } = await succeed<Tokens>('POST', '/auth/register', { body: { email, password: first } });
    addTokens('a new account', { accessToken: token, ...tokens });
    addTokens('a shadow', await succeed<Tokens>('POST', '/auth/register', { body: { email, password: second } }));
    await succeed('POST', '/auth/password', { token, body: { currentPassword: first, newPassword: third } });
    await call('POST', '/auth/password', { token, body: { currentPassword: secret('a wrong old password'), newPassword: secret('a new password beside it') } });

    const factor = await succeed<{ secret: string; recoveryCodes: string[] }>('POST', '/auth/second-factor', { token, body: { password: third } });
    search.add({ name: 'TOTP secret', value: factor.secret });
    search.add({ name: 'TOTP secret (its bytes)', value: Buffer.from(TotpSecret.fromBase32(factor.secret).buffer) });
    for (const code of factor.recoveryCodes) for (const value of [code, code.replaceAll('-', '')]) search.add({ name: 'recovery code', value });
    await succeed('POST', '/auth/second-factor/confirm', { token, body: { code: new TOTP({ secret: factor.secret }).generate() } });
    await succeed('POST', '/auth/second-factor/verify', { token, body: { code: factor.recoveryCodes[0] } });
    await call('POST', '/auth/second-factor/verify', { token, body: { code: secret('no code at all').slice(0, 40) } });

    const key = await succeed<{ keyId: string; secret: string }>('POST', '/api-keys', { token, body: { name: 'canary', scopes: ['withdrawals:read', 'withdrawals:create'] } });
    search.add({ name: 'secret of an API key', value: key.secret });
    const signed = async (method: string, path: string, body?: object) => {
      const raw = body && JSON.stringify(body);
      const idempotency = body && { 'idempotency-key': mark('key') };
      const headers = await signatureHeaders({ method, url: `${sandbox.credentials.baseUrl}${path}`, body: raw === undefined ? undefined : new TextEncoder().encode(raw), idempotencyKey: idempotency?.['idempotency-key'] }, key);
      return call(method, path, { ...(raw !== undefined && { raw }), headers: { ...headers, ...idempotency } });
    };
    expect((await signed('GET', '/withdrawals')).status).toBe(200);
    const { status, body } = await signed('POST', '/withdrawals', payment('0.25'));
    expect([status, body]).toEqual([202, body]);
    expect((await call('GET', '/withdrawals', { token: key.secret })).status).toBe(401);
    await expect.poll(() => statusOf((JSON.parse(body) as { requestId: string }).requestId, token), WAIT).toBe('COMPLETED');

    const { accessToken } = await signIn('admin');
    const { initialPassword } = await succeed<{ initialPassword: string }>('POST', '/admin/users', { token: accessToken, body: { email: `first-${email}`, role: 'AUDITOR' } });
    search.add({ name: 'initial password', value: initialPassword });
    addTokens('an account with an initial password', await succeed<Tokens>('POST', '/auth/login', { body: { email: `first-${email}`, password: initialPassword } }));
    for (const path of ['/admin/users', '/admin/audit', '/admin/audit/verification']) await succeed('GET', path, { token: accessToken });
    await succeed('GET', '/auth/sessions', { token });
    await succeed('GET', '/.well-known/jwks.json');
  });

  it('goes through what people get wrong', async () => {
    const { accessToken: token } = await signIn('user');
    const { email } = sandbox.credentials.user;
    const before = answers.length;
    /** One more secret, at a place where it does not belong. */
    const misplaced = (where: string): string => {
      const value = mark('misplaced');
      search.add({ name: `misplaced: ${where}`, value });
      return value;
    };
    await call('POST', '/auth/login', { body: { email, password: misplaced('a wrong password') } });
    await call('POST', '/auth/login', { body: { email: misplaced('a password as the address'), password: misplaced('a password of nobody') } });
    await call('POST', '/auth/login', { body: { email: `${misplaced('a password before the @')}@example.com`, password: 'x' } });
    await call('POST', '/auth/login', { body: { user: misplaced('an unknown field of a sign-in') } });
    await call('POST', '/auth/login', { body: [misplaced('a list for a sign-in')] });
    await call('POST', '/auth/login', { raw: `{"email":"${email}","password":"${misplaced('broken JSON')}` });
    await call('POST', '/auth/login', { raw: misplaced('no JSON at all') });
    await call('POST', '/auth/login', { raw: `{"email":"${email}","password":"${misplaced('JSON with a control character')}\u0001"}` });
    await call('POST', '/auth/login', { raw: `password=${misplaced('a form')}`, headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    await call('POST', '/auth/login', { raw: '{}', headers: { 'content-type': `application/json; x=${misplaced('a content type')}, y` } });
    await call('POST', '/auth/refresh', { body: { refreshToken: misplaced('a refresh token of nobody') } });
    await call('POST', '/auth/refresh', { body: { refreshToken: 7, token: misplaced('an unknown field of a refresh') } });
    await call('POST', '/auth/logout', { body: { refreshToken: misplaced('a refresh token of nobody, signing out') } });
    await call('GET', `/withdrawals?access_token=${misplaced('a query')}`, { token });
    await call('GET', `/withdrawals?cursor=${misplaced('a cursor')}`, { token });
    await call('GET', `/withdrawals?${misplaced('the name of a field')}=1`, { token });
    await call('POST', '/auth/refresh', { body: { [misplaced('the name of a field')]: 'x' } });
    await call('GET', `/assets?token=${misplaced('a query that is ignored')}`);
    await call('GET', `/withdrawals/${misplaced('a path')}`, { token });
    await call('GET', `/${misplaced('a path that is no route')}`);
    await call('GET', '/withdrawals', { token: misplaced('a bearer token') });
    await call('GET', '/withdrawals', { headers: { authorization: `Basic ${Buffer.from(`user:${misplaced('basic credentials')}`).toString('base64')}` } });
    await call('GET', '/withdrawals', { token, headers: { cookie: `session=${misplaced('a cookie')}`, 'x-api-key': misplaced('an x-api-key'), 'accept-language': misplaced('a language'), 'x-correlation-id': `no id: ${misplaced('a correlation id of no sane form')}` } });
    for (const field of ['amount', 'currency', 'toAddress', 'network'] as const) await call('POST', '/withdrawals', { token, headers: { 'idempotency-key': mark('key') }, body: { ...payment('1'), [field]: misplaced(`${field} of a withdrawal`) } });
    await call('POST', '/withdrawals', { token, headers: { 'idempotency-key': `${misplaced('an idempotency key of no sane form')} ` + '\u00e9'.repeat(2) }, body: payment('1') });
    await call('POST', '/webhooks', { token, body: { url: `https://user:${misplaced('the password in a URL')}@example.com/` } });
    await call('POST', '/webhooks', { token, body: { url: 'https://example.com/', secret: misplaced('a secret brought along') } });
    // Every one of them was answered, and none was believed.
    const refused = answers.slice(before).filter(({ place }) => /(400|401|404|415)$/.test(place));
    expect(refused.length).toBeGreaterThan(25);
    expect(answers.slice(before).filter(({ place }) => / 5\d\d$/.test(place))).toEqual([]);
  });

  it('goes through outages of chain, database and secret store', async () => {
    const { accessToken: token, refreshToken } = await signIn('user');
    // A provider that quotes the key it was called with.
    for (const fault of [{ kind: 'http', status: 401, body: `invalid project id ${rpcKey}` }, { kind: 'error', message: `project ${rpcKey} is over its quota`, code: -32005 }, { kind: 'refuse' }] as const) {
      proxy.inject(fault);
      const seen = [...proxy.calls.values()].reduce((sum, count) => sum + count, 0);
      const requestId = await withdraw(token, '0.5');
      await expect.poll(() => [...proxy.calls.values()].reduce((sum, count) => sum + count, 0), WAIT).toBeGreaterThan(seen + 10);
      proxy.inject({ kind: 'pass' });
      await expect.poll(() => statusOf(requestId, token), WAIT).toBe('COMPLETED');
    }

    const killed = sandbox.processOf('mariadb')?.pid ?? 0;
    process.kill(killed, 'SIGKILL');
    const during = await Promise.all([
      call('POST', '/auth/refresh', { body: { refreshToken } }),
      call('POST', '/auth/login', { body: sandbox.credentials.user }),
      call('POST', '/auth/logout', { body: { refreshToken } }),
      call('POST', '/withdrawals', { token, headers: { 'idempotency-key': mark('key') }, body: payment('1') }),
      call('POST', '/webhooks', { token, body: { url: receiver.url } }),
    ]);
    expect(during.some(({ status }) => status === 503)).toBe(true);
    await expect.poll(async () => (await call('GET', '/ready')).status, WAIT).toBe(200);

    // Without its memory of sealed keys, and then without the store.
    for (const child of ['moto', 'signing-service'] as const) process.kill(sandbox.processOf(child)?.pid ?? 0, 'SIGKILL');
    const { accessToken } = await signIn('user');
    const requestId = await withdraw(accessToken, '0.75');
    await expect.poll(() => statusOf(requestId, accessToken), WAIT).toBe('COMPLETED');
    await expect.poll(async () => (await call('GET', '/ready')).status, WAIT).toBe(200);
  });

  it('and leaves none of them behind; what is planted is found', async () => {
    const planted = mark('planted');
    search.add({ name: 'planted', value: planted });
    const connection = await mysql.createConnection(sandbox.credentials.databaseUrl);
    await connection.query('UPDATE users SET email = ? WHERE email = ?', [`${planted}@example.com`, sandbox.credentials.user.email]);
    await connection.end();
    const redis = new Redis(sandbox.credentials.redisUrl);
    await redis.set('planted', Buffer.from(planted).toString('base64'));
    redis.disconnect();
    await plainTemporal.workflow.start('planted', { taskQueue: 'nobody', workflowId: 'planted', args: [{ deep: [Buffer.from(planted).toString('hex')] }] });
    appendFileSync(join(stateDir, 'logs', 'tx-monitor.log'), `${JSON.stringify({ message: planted })}\n`);
    answers.push({ place: 'answer PLANTED', text: encodeURIComponent(planted) });

    const findings = await lookEverywhere();
    const places = (secret: string) => [...new Set(findings.filter((finding) => finding.secret === secret).map(({ place }) => place))];
    for (const place of ['database users.email', 'Redis planted', 'Temporal, planted, EVENT_TYPE_WORKFLOW_EXECUTION_STARTED', 'file logs/tx-monitor.log', 'answer PLANTED']) expect(places('planted')).toContain(place);
    // Each process holds what it needs: whoever looks into environments sees it.
    for (const [secret, place] of [['key-encryption key', 'environment of signing-service'], ['session key', 'environment of api-server'], ['RPC key', 'environment of tx-monitor']] as const) expect(places(secret)).toContain(place);

    const leaks = findings.filter(({ secret, place }) => secret !== 'planted' && !BELONGS.some((rule) => rule.secret.test(secret) && rule.place.test(place)));
    expect(leaks).toEqual([]);
  });
});
