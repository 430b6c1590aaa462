import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { exportJWK, generateKeyPair } from 'jose';
import type { RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { createUser } from '../../db/repositories/accounts/users.ts';
import { addWallet, getWallet, setWalletStatus } from '../../db/repositories/wallets/wallets.ts';
import { auditLog } from '../../db/schema/index.ts';
import { createTestDatabase, type TestDatabase } from '../../tests/harness/database.ts';
import { PAYLOAD_KEYS } from '../../tests/harness/payloads.ts';
import { testRedisUrl } from '../../tests/harness/redis.ts';
import { WALLET } from '../api.testkit.ts';
import { createAccessTokens } from '../auth/access-tokens.ts';
import { openSession } from '../auth/open-session.ts';

const CHAIN_ID = 80_002;
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

let database: TestDatabase;
let env: Record<string, string>;
let bearer: string;
const children: ChildProcess[] = [];
let server: { child: ChildProcess; url: string };
beforeAll(async () => {
  database = await createTestDatabase();
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const jwk = await exportJWK(privateKey);
  const id = await createUser(database.db, { email: 'operator@example.com', passwordHash: 'none', role: 'ADMIN', now: new Date() });
  bearer = `Bearer ${(await openSession(database.db, await createAccessTokens(jwk), { id, role: 'ADMIN' })).accessToken}`;
  await addWallet(database.db, { chainId: CHAIN_ID, address: WALLET, keyId: 'test' });
  env = {
    PATH: process.env['PATH'] ?? '', PORT: '0', DATABASE_URL: database.url, REDIS_URL: testRedisUrl(), TEMPORAL_ADDRESS: inject('infrastructure').temporalAddress, TEMPORAL_PAYLOAD_KEYS: PAYLOAD_KEYS, SETTINGS_FILE: path('../../docker/settings/sandbox.json'),
    SEAL_KEY: randomBytes(32).toString('base64'), WEBHOOK_KEY: randomBytes(32).toString('base64'), JWT_PRIVATE_JWK: JSON.stringify(jwk),
  };
});
beforeEach(async () => {
  await setWalletStatus(database.db, CHAIN_ID, WALLET, 'ACTIVE', null);
  // Both: numbers begin anew, and one that waits to be linked already refuses the next of that number.
  for (const table of ['audit_log', 'audit_pending']) await database.pool.query(`TRUNCATE TABLE ${table}`);
  server = await start();
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await database.close();
});

async function start(): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [path('../server.ts')], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  const address = () => /listening at (http:\/\/127\.0\.0\.1:\d+)/.exec(text)?.[1];
  await expect.poll(address, { timeout: 90_000 }).toBeDefined();
  return { child, url: address() ?? '' };
}

const phases = async () => (await database.db.select().from(auditLog)).map(({ phase, action }) => `${action} ${phase}`);
const status = async () => (await getWallet(database.db, CHAIN_ID, WALLET))?.status;
/** Sends the call; its connection will break. */
const pause = () => fetch(`${server.url}/admin/wallets/${WALLET}/pause`, { method: 'POST', headers: { authorization: bearer, 'content-type': 'application/json' }, body: JSON.stringify({ reason: 'maintenance' }) }).catch((error: unknown) => error);
/** The server's statements that wait, by what they begin with. */
async function waiting(beginning: string): Promise<number[]> {
  const [rows] = await database.pool.query<RowDataPacket[]>('SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID() AND info LIKE ?', [`${beginning}%`]);
  return rows.map((row) => Number(row['id']));
}

async function kill(): Promise<void> {
  const exited = once(server.child, 'exit');
  server.child.kill('SIGKILL');
  await exited;
}

it('a process that dies after BEGUN and before the change leaves BEGUN alone, and nothing has changed', async () => {
  const holder = await database.pool.getConnection();
  await holder.query('BEGIN');
  await holder.query('SELECT * FROM wallets FOR UPDATE');
  const answer = pause();
  // It waits for the row it is about to change.
  await expect.poll(async () => (await waiting('select%wallets%for update')).length, { timeout: 30_000 }).toBe(1);
  const [statement] = await waiting('select%wallets%for update');
  await kill();
  await database.pool.query(`KILL ${statement}`);
  await holder.query('ROLLBACK');
  holder.release();
  expect(await answer).toBeInstanceOf(Error);
  expect(await phases()).toEqual(['wallet.pause BEGUN']);
  expect(await status()).toBe('ACTIVE');
});

it('a process that dies after the change and before ENDED leaves BEGUN alone: the change has its row', async () => {
  const holder = await database.pool.getConnection();
  const locker = await database.pool.getConnection();
  await holder.query('BEGIN');
  await holder.query('SELECT * FROM wallets FOR UPDATE');
  const answer = pause();
  await expect.poll(async () => (await waiting('select%wallets%for update')).length, { timeout: 30_000 }).toBe(1);
  await locker.query('LOCK TABLES audit_log WRITE');
  await holder.query('ROLLBACK');
  holder.release();
  await expect.poll(async () => (await waiting('insert into `audit_log`')).length, { timeout: 30_000 }).toBe(1);
  const [statement] = await waiting('insert into `audit_log`');
  await kill();
  await locker.query(`KILL ${statement}`);
  await locker.query('UNLOCK TABLES');
  locker.release();
  expect(await answer).toBeInstanceOf(Error);
  expect(await status()).toBe('PAUSED');
  expect(await phases()).toEqual(['wallet.pause BEGUN']);
});
