import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCredentials } from '../../scripts/sandbox/credentials.ts';
import { openCustomer } from '../../scripts/demo/customer.ts';
import { PROJECT_ROOT } from '../../scripts/stack/paths.ts';
import { sandboxEnvironment } from '../harness/sandbox.ts';

const execute = promisify(execFile);

interface Ended {
  code: number;
  output: string;
}

describe('the command line', () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'command-line-'));
  let env: Record<string, string>;

  beforeAll(async () => {
    env = await sandboxEnvironment(stateDir);
  });
  afterAll(async () => {
    await command('reset.ts');
    rmSync(stateDir, { recursive: true, force: true });
  });

  async function command(script: string, ...args: string[]): Promise<Ended> {
    try {
      const { stdout, stderr } = await execute(process.execPath, [join(PROJECT_ROOT, 'scripts/run.mjs'), join(PROJECT_ROOT, 'scripts', script), ...args], { cwd: PROJECT_ROOT, env: { ...process.env, ...env } });
      return { code: 0, output: stdout + stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, output: stdout + stderr };
    }
  }

  /** What an operator sees that every hot wallet holds, once a worker has looked. */
  async function seenWallets(baseUrl: string): Promise<string[] | null> {
    const { admin } = JSON.parse(readFileSync(join(stateDir, 'credentials.json'), 'utf8')) as { admin: { email: string; password: string } };
    const signIn = await fetch(`${baseUrl}/auth/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(admin) });
    const { accessToken } = (await signIn.json()) as { accessToken: string };
    const answer = await fetch(`${baseUrl}/admin/wallets`, { headers: { authorization: `Bearer ${accessToken}` } });
    const { items } = (await answer.json()) as { items: { balances: { currency: string; balance: string }[] }[] };
    const held = items.map(({ balances }) => balances.filter(({ balance }) => balance !== '0').map(({ currency }) => currency));
    return held.length > 0 && held.every((currencies) => currencies.join() === held[0]?.join()) ? (held[0] ?? null) : null;
  }

  it('says plainly which port is taken and which variable moves it', async () => {
    const squatter = createServer().listen(Number(env['PORT']), '127.0.0.1');
    await new Promise((resolve) => squatter.once('listening', resolve));
    const { code, output } = await command('start.ts', '--detach');
    await new Promise((resolve) => squatter.close(resolve));
    expect(code).not.toBe(0);
    expect(output).toContain(`${env['PORT']}`);
    expect(output).toContain('PORT');
    expect(output).not.toMatch(/^\s+at /m);
  });

  it('starts, says where everything is, starts a second time in seconds, keeps its data across a stop, and clears it on reset', async () => {
    const first = await command('start.ts', '--detach');
    expect(first.output).toContain(`http://127.0.0.1:${env['PORT']}/docs`);
    expect(first.output).toContain(`http://127.0.0.1:${env['TEMPORAL_UI_PORT']}`);
    expect(first.code).toBe(0);

    const credentials = readCredentials(join(stateDir, 'credentials.json'));
    if (!credentials) throw new Error('npm start wrote no credentials');
    const customer = await openCustomer(credentials);
    const { requestId } = await customer.withdraw({ amount: '1.5', currency: 'USDC', toAddress: Wallet.createRandom().address }, randomUUID());
    await expect.poll(async () => (await customer.withdrawal(requestId)).status, { timeout: 30_000 }).toBe('COMPLETED');

    await expect.poll(() => seenWallets(credentials.baseUrl), { timeout: 60_000, interval: 1_000 }).toEqual(['POL', 'USDC', 'USDT']);

    const again = await command('start.ts', '--detach');
    expect(again).toMatchObject({ code: 0, output: expect.stringContaining('Already running') });

    const demo = await command('demo.ts', '--withdrawals', '9', '--clients', '3');
    expect(demo.output).toContain('9 of 9, each posted twice and paid once');
    expect(demo.code).toBe(0);

    expect((await command('stop.ts')).code).toBe(0);
    const restartedAt = Date.now();
    expect((await command('start.ts', '--detach')).code).toBe(0);
    expect(Date.now() - restartedAt).toBeLessThan(60_000);
    expect(readFileSync(join(stateDir, 'credentials.json'), 'utf8')).toContain(credentials.user.password);
    // Signed with the key made before: it outlives a restart.
    expect(await customer.withdrawal(requestId)).toMatchObject({ requestId, status: 'COMPLETED', outcome: 'PAID' });
    const { requestId: later } = await customer.withdraw({ amount: '0.5', currency: 'POL', toAddress: Wallet.createRandom().address }, randomUUID());
    await expect.poll(async () => (await customer.withdrawal(later)).status, { timeout: 30_000 }).toBe('COMPLETED');

    expect((await command('reset.ts')).code).toBe(0);
    expect(existsSync(join(stateDir, 'credentials.json'))).toBe(false);
  });

  it.each(['start.ts', 'stop.ts', 'reset.ts', 'demo.ts', 'test.ts', 'keys.ts', 'faults.ts'])('%s explains itself', async (script) => {
    const { code, output } = await command(script, '--help');
    expect(code).toBe(0);
    expect(output).toMatch(/usage/i);
  });
});
