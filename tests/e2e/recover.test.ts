import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../db/client.ts';
import { RECOVERY_HALT } from '../../db/repositories/payments/books.ts';
import { setHalt } from '../../db/repositories/operations/halts.ts';
import { openCustomer, type Customer } from '../../scripts/demo/customer.ts';
import { startSandbox, type TestSandbox } from '../harness/sandbox.ts';

const WAIT = { timeout: 60_000, interval: 200 };

describe('npm run recover', () => {
  let sandbox: TestSandbox;
  let customer: Customer;
  beforeAll(async () => {
    sandbox = await startSandbox();
    customer = await openCustomer(sandbox.credentials);
  });
  afterAll(() => sandbox.stop());

  function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
    const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', SANDBOX_DIR: sandbox.stateDir };
    return spawnSync(process.execPath, [fileURLToPath(new URL('../../scripts/recover.ts', import.meta.url)), ...args], { encoding: 'utf8', timeout: 120_000, env });
  }

  const withdraw = () => customer.withdraw({ amount: '1.5', currency: 'USDC', toAddress: Wallet.createRandom().address }, randomUUID());
  const completes = (requestId: string) => expect.poll(async () => (await customer.withdrawal(requestId)).status, WAIT).toBe('COMPLETED');

  it('tells how it is used, and asks nobody who is not there', () => {
    expect(run('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('--dry-run') });
    expect(run('--nonsense').status).toBe(2);
    expect(run()).toMatchObject({ status: 2, stderr: expect.stringContaining('give --yes') });
  });

  it('writes a lost Redis anew while the sandbox runs, and lifts a halt once nothing is missing', async () => {
    const first = await withdraw();
    await completes(first.requestId);
    const redis = new Redis(sandbox.credentials.redisUrl);
    await redis.flushall();
    const database = openDatabase(sandbox.credentials.databaseUrl, { connectionsMax: 1 });
    await setHalt(database.db, { ...RECOVERY_HALT, reason: 'test', setBy: 'test' });
    await database.close();

    expect(run('--dry-run')).toMatchObject({ status: 0, stdout: expect.stringContaining('nonce front empty') });
    expect(await redis.keys('nonce:*')).toEqual([]);
    expect(run('--yes')).toMatchObject({ status: 0, stdout: expect.stringContaining('Everything is restored') });
    expect(await redis.keys('nonce:*')).not.toEqual([]);
    redis.disconnect();
    const { requestId } = await withdraw();
    await completes(requestId);
  });
});
