import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { signedTransactions } from '../db/schema/index.ts';
import { paidTo } from '../tests/harness/transfers.ts';
import { startBench, type Bench } from './activities.testkit.ts';
import { makeBroadcast } from './broadcast.ts';

const GWEI = 10n ** 9n;

describe('broadcasting', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench();
  });
  afterAll(() => bench.engine.stop());
  beforeEach(async () => {
    bench.engine.proxy.inject({ kind: 'pass' });
    // What earlier tests left unsent or unmined is not this test's nonce.
    await bench.mine();
  });

  const broadcast = (requestId: string) => bench.broadcast({ requestId });
  async function signed(currency = 'USDC'): Promise<string> {
    const id = await bench.funded(currency);
    await bench.sign({ requestId: id, mode: 'pay' });
    return id;
  }
  const received = async (requestId: string) => {
    const row = await bench.engine.row(requestId);
    return paidTo(bench.engine.chain, row.tokenAddress, row.toAddress);
  };
  const sends = () => bench.engine.proxy.calls.get('eth_sendRawTransaction') ?? 0;

  it('sends the same bytes twice, and pays once', async () => {
    const id = await signed();
    const pending = await bench.chainNonce('pending');
    expect([await broadcast(id), await broadcast(id)]).toEqual([{ kind: 'sent' }, { kind: 'sent' }]);
    expect(await bench.chainNonce('pending')).toBe(pending + 1);
    await bench.mine();
    // Mined already: "nonce too low" is no failure either.
    expect(await broadcast(id)).toEqual({ kind: 'sent' });
    expect(await bench.chainNonce()).toBe(pending + 1);
    expect(await received(id)).toEqual({ total: 1_000_000n, payments: 1 });
    expect(await bench.attempts(id)).toMatchObject([{ status: 'BROADCASTED', retryCount: 2 }]);
    expect((await bench.engine.row(id)).status).toBe('BROADCASTED');
  });

  it('sends again after a death between sending and writing it down', async () => {
    const id = await signed();
    const dying = makeBroadcast({
      ...bench.ports,
      crashPoint: () => {
        throw new Error('died');
      },
    });
    await expect(dying({ requestId: id })).rejects.toMatchObject({ type: 'INTERNAL' });
    expect((await bench.engine.row(id)).status).toBe('BROADCASTING');
    expect(await broadcast(id)).toEqual({ kind: 'sent' });
    await bench.mine();
    expect(await received(id)).toEqual({ total: 1_000_000n, payments: 1 });
  });

  it('knows its transaction by its hash when the answer is lost', async () => {
    const id = await signed();
    bench.engine.proxy.inject({ kind: 'drop-answer' }, ['eth_sendRawTransaction']);
    expect(await broadcast(id)).toEqual({ kind: 'sent' });
    expect((await bench.engine.row(id)).status).toBe('BROADCASTED');
    await bench.mine();
    expect(await received(id)).toEqual({ total: 1_000_000n, payments: 1 });
  });

  it('never calls an unanswered send failed', async () => {
    const id = await signed();
    bench.engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    await expect(broadcast(id)).rejects.toMatchObject({ type: 'CHAIN_UNAVAILABLE', nonRetryable: false });
    // Nothing says it went out, and nothing says it did not.
    expect(await bench.engine.row(id)).toMatchObject({ status: 'BROADCASTING', hasLivePayment: true });
    expect(await bench.attempts(id)).toMatchObject([{ status: 'SIGNED', broadcastedAt: null }]);
    bench.engine.proxy.inject({ kind: 'pass' });
    expect(await broadcast(id)).toEqual({ kind: 'sent' });
  });

  it('shows a refusal nobody listed, with its text', async () => {
    const id = await signed();
    bench.engine.proxy.inject({ kind: 'error', message: 'the sequencer is on holiday' }, ['eth_sendRawTransaction']);
    expect(await broadcast(id)).toEqual({ kind: 'rejected', reason: 'the sequencer is on holiday' });
    expect(await bench.timeline(id)).toContain('send refused by the node');
    expect((await bench.attempts(id))[0]?.status).toBe('SIGNED');
    bench.engine.proxy.inject({ kind: 'pass' });
    expect(await broadcast(id)).toEqual({ kind: 'sent' });
  });

  it.each(['nonce too high', 'insufficient funds for gas * price + value', 'txpool is full'])('waits out "%s"', async (message) => {
    const id = await signed();
    bench.engine.proxy.inject({ kind: 'error', message }, ['eth_sendRawTransaction']);
    await expect(broadcast(id)).rejects.toMatchObject({ type: 'CHAIN_UNAVAILABLE', nonRetryable: false });
    bench.engine.proxy.inject({ kind: 'pass' });
    expect(await broadcast(id)).toEqual({ kind: 'sent' });
  });

  it('asks for a dearer replacement where the market has left its bytes behind, and the replacement goes out', async () => {
    const id = await signed();
    const [first] = await bench.attempts(id);
    const baseFee = (first?.maxFeePerGas ?? 0n) * 2n;
    await bench.engine.chain.rpc.call('anvil_setNextBlockBaseFeePerGas', [`0x${baseFee.toString(16)}`]);
    await bench.mine();
    expect(await broadcast(id)).toEqual({ kind: 'underpriced' });
    // Asked again before anything else happened: the same answer.
    expect(await broadcast(id)).toEqual({ kind: 'underpriced' });
    await bench.engine.redis.flushdb();
    expect(await bench.sign({ requestId: id, mode: 'replace' })).toMatchObject({ kind: 'signed', nonce: first?.nonce });
    const attempts = await bench.attempts(id);
    expect(attempts).toHaveLength(2);
    expect(attempts[1]?.maxFeePerGas).toBeGreaterThan(baseFee);
    expect(await broadcast(id)).toEqual({ kind: 'sent' });
    await bench.engine.chain.rpc.call('anvil_setNextBlockBaseFeePerGas', [`0x${(30n * GWEI).toString(16)}`]);
    await bench.mine();
    expect(await received(id)).toEqual({ total: 1_000_000n, payments: 1 });
    await bench.engine.redis.flushdb();
  });

  it('leaves it to confirmation to say who took a consumed nonce', async () => {
    const id = await signed();
    await bench.spendNonce();
    expect(await broadcast(id)).toEqual({ kind: 'sent' });
    expect(await received(id)).toEqual({ total: 0n, payments: 0 });
  });

  it('never sends bytes that are not those of their hash', async () => {
    const [id, other] = [await signed(), await signed()];
    const [foreign] = await bench.attempts(other);
    const [own] = await bench.attempts(id);
    await bench.ports.db.update(signedTransactions).set({ rawTransaction: foreign?.rawTransaction ?? '' }).where(eq(signedTransactions.requestId, id));
    const before = sends();
    await expect(broadcast(id)).rejects.toMatchObject({ type: 'INTERNAL', nonRetryable: true });
    expect(sends()).toBe(before);
    await bench.ports.db.update(signedTransactions).set({ rawTransaction: own?.rawTransaction ?? '' }).where(eq(signedTransactions.requestId, id));
    expect([await broadcast(id), await broadcast(other)]).toEqual([{ kind: 'sent' }, { kind: 'sent' }]);
  });

  it('sends nothing where nothing was committed', async () => {
    const id = await bench.funded();
    const before = sends();
    expect(await broadcast(id)).toEqual({ kind: 'sent' });
    expect(sends()).toBe(before);
    expect((await bench.engine.row(id)).status).toBe('PENDING');
  });
});
