import { Wallet } from 'ethers';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startEngine, type TestEngine } from '../harness/engine.ts';
import type { Fault, RpcProxy } from '../harness/rpc-proxy.ts';
import { paidTo } from '../harness/transfers.ts';

const AMOUNT = 1_500_000n;
const lie = (change: (result: unknown) => unknown): Fault => ({ kind: 'rewrite', change });

describe('a withdrawal through two endpoints', () => {
  let engine: TestEngine;
  let second: RpcProxy;
  beforeAll(async () => {
    engine = await startEngine({ endpoints: 2 });
    second = engine.proxies[1] as RpcProxy;
  });
  afterAll(() => engine.stop());
  afterEach(() => {
    for (const proxy of engine.proxies) proxy.inject({ kind: 'pass' });
  });

  async function accept(): Promise<{ requestId: string; recipient: string }> {
    const recipient = Wallet.createRandom().address;
    return { recipient, requestId: await engine.accept({ currency: 'USDC', toAddress: recipient, amount: AMOUNT }) };
  }
  async function expectPaidOnce({ requestId, recipient }: { requestId: string; recipient: string }): Promise<void> {
    const row = await engine.until(requestId, ['COMPLETED'], 60_000);
    expect(await paidTo(engine.chain, row.tokenAddress, recipient)).toEqual({ total: AMOUNT, payments: 1 });
  }

  it('is paid once, and its bytes go to both', async () => {
    for (const proxy of engine.proxies) proxy.calls.clear();
    await expectPaidOnce(await accept());
    expect(engine.proxies.map((proxy) => proxy.calls.get('eth_sendRawTransaction'))).toEqual([1, 1]);
  });

  it.each([0, 1])('is paid once while endpoint %i is away', async (index) => {
    engine.proxies[index]?.inject({ kind: 'refuse' });
    await expectPaidOnce(await accept());
  });

  it('is paid once when one endpoint calls its bytes impossible', async () => {
    second.inject({ kind: 'error', message: 'intrinsic gas too low' }, ['eth_sendRawTransaction']);
    await expectPaidOnce(await accept());
  });

  it('is not called failed on the word of one about its receipt, and is paid once when they agree', async () => {
    const reverted = (receipt: unknown): unknown => receipt && { ...receipt, status: '0x0', logs: [] };
    engine.proxy.inject(lie((result) => (Array.isArray(result) ? result.map(reverted) : reverted(result))), ['eth_getBlockReceipts', 'eth_getTransactionReceipt']);
    second.calls.clear();
    const withdrawal = await accept();
    await vi.waitFor(() => expect(second.calls.get('eth_getTransactionReceipt')).toBeGreaterThanOrEqual(2), { timeout: 30_000, interval: 100 });
    expect((await engine.row(withdrawal.requestId)).status).toBe('CONFIRMING');
    engine.proxy.inject({ kind: 'pass' });
    await expectPaidOnce(withdrawal);
  });

  it.each([
    ['how much the wallet has', 'eth_getBalance', (): unknown => '0xffffffffffffffffffff'],
    ['whether it can be paid', 'eth_estimateGas', (): unknown => null],
  ] as const)('waits unsigned while two disagree about %s, and is paid once when they agree', async (_name, method, change) => {
    await engine.redis.flushdb();
    second.inject(lie(change), [method]);
    second.calls.clear();
    const withdrawal = await accept();
    await vi.waitFor(() => expect(second.calls.get(method)).toBeGreaterThanOrEqual(2), { timeout: 30_000, interval: 100 });
    const attempts = await engine.database.db.query.signedTransactions.findMany({ where: (table, { eq }) => eq(table.requestId, withdrawal.requestId) });
    expect(attempts).toEqual([]);
    second.inject({ kind: 'pass' });
    await expectPaidOnce(withdrawal);
  });
});
