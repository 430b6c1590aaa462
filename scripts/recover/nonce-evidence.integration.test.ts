import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startBench, type Bench } from '../../activities/activities.testkit.ts';
import type { Hash } from '../../activities/chain/blocks.ts';
import type { Address } from '../../domain/address.ts';
import type { RecoverDeps } from './deps.ts';
import { gatherEvidence, type NonceEvidence, type NonceGroup } from './nonce-evidence.ts';

describe('what became of a nonce, when one of two endpoints lies about it', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench({ endpoints: 2 });
  });
  afterAll(() => bench.engine.stop());
  beforeEach(() => bench.engine.proxies[0]?.inject({ kind: 'pass' }));

  async function paid(): Promise<{ requestId: string; txHash: Hash; nonce: number }> {
    const requestId = await bench.funded();
    await bench.sign({ requestId, mode: 'pay' });
    await bench.broadcast({ requestId });
    await bench.mine(5);
    const [attempt] = await bench.attempts(requestId);
    return { requestId, txHash: attempt?.txHash as Hash, nonce: attempt?.nonce ?? -1 };
  }
  async function gather(requestId: string, group: Pick<NonceGroup, 'nonce' | 'known' | 'missing'>): Promise<NonceEvidence> {
    const { db, rpc, settings } = bench.ports;
    const { tokenAddress, toAddress, amount } = await bench.engine.row(requestId);
    const block = Number(await bench.engine.chain.rpc.call<string>('eth_blockNumber', []));
    const payment = { requestId, tokenAddress: tokenAddress as Address, toAddress: toAddress as Address, amount };
    return gatherEvidence({ db, rpc, settings } as RecoverDeps, payment, { walletAddress: bench.wallet, ...group }, block, () => group.nonce + 1);
  }
  const lie = (method: string, change: (shown: Record<string, unknown>) => unknown) =>
    bench.engine.proxies[0]?.inject({ kind: 'rewrite', change: (result) => (result === null ? null : change(result as Record<string, unknown>)) }, [method]);

  it('a payment is no reverted one', async () => {
    const { requestId, nonce } = await paid();
    const known = await bench.attempts(requestId);
    lie('eth_getTransactionReceipt', (receipt) => ({ ...receipt, status: '0x0', logs: [] }));
    await expect(gather(requestId, { nonce, known, missing: [] })).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
    bench.engine.proxies[0]?.inject({ kind: 'pass' });
    expect((await gather(requestId, { nonce, known, missing: [] })).ruling).toEqual({ kind: 'paid' });
  });

  it('a payment the database forgot is none that pays nobody', async () => {
    const { requestId, txHash, nonce } = await paid();
    lie('eth_getTransactionByHash', (shown) => ({ ...shown, to: bench.wallet, value: '0x0', input: '0x' }));
    await expect(gather(requestId, { nonce, known: [], missing: [txHash] })).rejects.toMatchObject({ name: 'Refused', refusal: { subject: requestId } });
    bench.engine.proxies[0]?.inject({ kind: 'pass' });
    expect((await gather(requestId, { nonce, known: [], missing: [txHash] })).ruling).toEqual({ kind: 'paid' });
  });
});
