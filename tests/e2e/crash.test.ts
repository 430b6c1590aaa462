import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseUnits, Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CRASH_POINTS, type CrashPointName } from '../../db/crash-point.ts';
import { openCustomer, type Customer, type WithdrawalView } from '../../scripts/demo/customer.ts';
import { ROLES, type Role } from '../../scripts/stack/privileges.ts';
import { startSandbox, type TestSandbox } from '../harness/sandbox.ts';
import { paidTo } from '../harness/transfers.ts';

const WITHDRAWALS = 20;

/** The role that dies at each point. */
const ROLE_OF: Record<CrashPointName, Role> = {
  'row-committed': 'api-server',
  'funds-reserved': 'withdrawal-worker',
  'nonce-reserved': 'signing-service',
  'bytes-committed': 'signing-service',
  sent: 'tx-broadcaster',
  'receipt-seen': 'tx-monitor',
  settled: 'withdrawal-worker',
};

/** How many hits each point lets pass, so that it fires in the middle of the work. */
const HITS_BEFORE: Record<CrashPointName, number> = { 'row-committed': 4, 'funds-reserved': 7, 'nonce-reserved': 5, 'bytes-committed': 9, sent: 6, 'receipt-seen': 8, settled: 3 };

/** What the client knows for certain: an answer it was given. */
interface Accepted {
  requestId: string;
  recipient: string;
  tokenAddress: string | null;
  amount: bigint;
}

describe('crashes', () => {
  const crashDir = mkdtempSync(join(tmpdir(), 'crash-points-'));
  let sandbox: TestSandbox;
  let customer: Customer;

  beforeAll(async () => {
    mkdirSync(crashDir, { recursive: true });
    sandbox = await startSandbox({ CRASH_POINT_DIR: crashDir });
    customer = await openCustomer(sandbox.credentials);
  });
  afterAll(async () => {
    await sandbox.stop();
    rmSync(crashDir, { recursive: true, force: true });
  });

  async function post(index: number): Promise<Accepted> {
    const asset = sandbox.credentials.assets[index % sandbox.credentials.assets.length];
    if (!asset) throw new Error('no assets');
    const recipient = Wallet.createRandom().address;
    const amount = `${1 + index}.25`;
    const { requestId } = await customer.withdraw({ amount, currency: asset.currency, toAddress: recipient }, randomUUID());
    return { requestId, recipient, tokenAddress: asset.tokenAddress, amount: parseUnits(amount, asset.decimals) };
  }

  async function expectAllPaidOnce(accepted: readonly Accepted[]): Promise<void> {
    for (const { requestId } of accepted) {
      const view = async (): Promise<WithdrawalView['status']> => (await customer.withdrawal(requestId)).status;
      await expect.poll(view, { timeout: 120_000, interval: 500 }).toBe('COMPLETED');
    }
    for (const { recipient, tokenAddress, amount } of accepted) {
      expect(await paidTo({ url: sandbox.credentials.rpcUrl, chainId: 80_002 }, tokenAddress, recipient)).toEqual({ total: amount, payments: 1 });
    }
  }

  it('survives a SIGKILL right after every durable effect: 20 withdrawals, each paid exactly once', async () => {
    for (const point of CRASH_POINTS) writeFileSync(join(crashDir, point), String(HITS_BEFORE[point]));
    const accepted = await Promise.all(Array.from({ length: WITHDRAWALS }, (_, index) => post(index)));
    expect(new Set(accepted.map(({ requestId }) => requestId)).size).toBe(WITHDRAWALS);
    await expectAllPaidOnce(accepted);
    for (const point of CRASH_POINTS) {
      expect(existsSync(join(crashDir, `${point}.fired`)), `${point} was hit`).toBe(true);
      expect(Number(readFileSync(join(crashDir, `${point}.fired`), 'utf8')), `${ROLE_OF[point]} runs again as another process`).not.toBe(sandbox.pidOf(ROLE_OF[point]));
    }
    console.log(`crash points hit: ${CRASH_POINTS.map((point) => `${point} (${ROLE_OF[point]})`).join(', ')}; ${WITHDRAWALS} of ${WITHDRAWALS} paid once`);
  });

  it('survives a SIGKILL of every role while 20 withdrawals are under way', async () => {
    const before = new Map(ROLES.map((role) => [role, sandbox.pidOf(role)]));
    const posting = Promise.all(Array.from({ length: WITHDRAWALS }, (_, index) => post(index)));
    for (const role of ROLES) process.kill(sandbox.pidOf(role), 'SIGKILL');
    await expectAllPaidOnce(await posting);
    for (const role of ROLES) await expect.poll(() => sandbox.pidOf(role), { timeout: 20_000 }).not.toBe(before.get(role));
  });
});
