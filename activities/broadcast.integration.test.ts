import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listOpenAlerts, resolveAlert } from '../db/repositories/operations/alerts.ts';
import { commitCancelIntent } from '../db/repositories/withdrawals/cancel-intent.ts';
import type { Database, Transaction } from '../db/client.ts';
import { liftHalt, setHalt } from '../db/repositories/operations/halts.ts';
import { getWallet, liftPause, setWalletStatus } from '../db/repositories/wallets/wallets.ts';
import { signedTransactions } from '../db/schema/index.ts';
import { EVERYTHING } from '../domain/halts.ts';
import { NONCE_GAP_MS_MAX, SENDS_MAX } from '../domain/send-policy.ts';
import { sendFromHotWallet } from '../tests/harness/foreign-transaction.ts';
import { paidTo } from '../tests/harness/transfers.ts';
import { interrupted as interruptedAfter, startBench, type Bench } from './activities.testkit.ts';
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

  it.each(['nonce too high', 'txpool is full'])('waits out "%s", a bounded number of sends at a time', async (message) => {
    const id = await signed();
    bench.engine.proxy.inject({ kind: 'error', message }, ['eth_sendRawTransaction']);
    const before = sends();
    await expect(broadcast(id)).rejects.toMatchObject({ type: 'CHAIN_UNAVAILABLE', nonRetryable: false });
    expect(sends() - before).toBe(SENDS_MAX);
    bench.engine.proxy.inject({ kind: 'pass' });
    expect(await broadcast(id)).toEqual({ kind: 'sent' });
  });

  it('calls for the guardian when a lower nonce stays away for too long, and goes on when it comes', async () => {
    const [lower, id] = [await signed(), await signed()];
    let nowMs = 0;
    const late = makeBroadcast({ ...bench.ports, clock: { nowMs: () => (nowMs += NONCE_GAP_MS_MAX), sleep: () => Promise.resolve() } });
    bench.engine.proxy.inject({ kind: 'error', message: 'nonce too high: tx nonce 9, gapped nonce 5' }, ['eth_sendRawTransaction']);
    await expect(late({ requestId: id })).rejects.toMatchObject({ type: 'CHAIN_UNAVAILABLE', nonRetryable: false });
    await expect(late({ requestId: id })).rejects.toMatchObject({ type: 'CHAIN_UNAVAILABLE' });
    expect(await listOpenAlerts(bench.ports.db, bench.wallet)).toMatchObject([{ kind: 'NONCE_GAP', timesSeen: 2, detail: { requestId: id } }]);
    bench.engine.proxy.inject({ kind: 'pass' });
    expect([await broadcast(lower), await broadcast(id)]).toEqual([{ kind: 'sent' }, { kind: 'sent' }]);
    await resolveAlert(bench.ports.db, 'NONCE_GAP', bench.wallet);
  });

  it('keeps the nonce, pauses the wallet and calls a person once when there is no money for gas, and sends when there is again', async () => {
    const id = await signed();
    const balance = await bench.engine.chain.rpc.call<string>('eth_getBalance', [bench.wallet, 'latest']);
    await bench.engine.chain.rpc.call('anvil_setBalance', [bench.wallet, '0x1']);
    // The node's own refusal, not a made-up one.
    for (let times = 0; times < 2; times += 1) await expect(broadcast(id)).rejects.toMatchObject({ type: 'WALLET_UNAVAILABLE', nonRetryable: false });
    expect(await getWallet(bench.ports.db, bench.engine.chain.chainId, bench.wallet)).toMatchObject({ status: 'PAUSED', statusReason: 'engine: GAS_LOW' });
    expect(await listOpenAlerts(bench.ports.db, bench.wallet)).toMatchObject([{ kind: 'GAS_LOW', timesSeen: 2, detail: { requestId: id } }]);
    expect(await bench.noncesOf(id)).toMatchObject([{ state: 'SIGNED', liveRequestId: id }]);
    expect(await bench.engine.row(id)).toMatchObject({ status: 'BROADCASTING', hasLivePayment: true });

    await bench.engine.chain.rpc.call('anvil_setBalance', [bench.wallet, balance]);
    // The pause keeps new payments away; what is signed goes out all the same.
    expect(await broadcast(id)).toEqual({ kind: 'sent' });
    await bench.mine();
    expect(await received(id)).toEqual({ total: 1_000_000n, payments: 1 });
    await liftPause(bench.ports.db, bench.engine.chain.chainId, bench.wallet, 'GAS_LOW');
    await resolveAlert(bench.ports.db, 'GAS_LOW', bench.wallet);
  });

  it('takes "already known" for success only where the hash is found', async () => {
    const id = await signed();
    bench.engine.proxy.inject({ kind: 'error', message: 'already known' }, ['eth_sendRawTransaction']);
    await expect(broadcast(id)).rejects.toMatchObject({ type: 'CHAIN_UNAVAILABLE', nonRetryable: false });
    expect(await bench.attempts(id)).toMatchObject([{ status: 'SIGNED', broadcastedAt: null }]);
    const [attempt] = await bench.attempts(id);
    await bench.engine.chain.rpc.call('eth_sendRawTransaction', [attempt?.rawTransaction]);
    expect(await broadcast(id)).toEqual({ kind: 'sent' });
    expect(await bench.attempts(id)).toMatchObject([{ status: 'BROADCASTED' }]);
  });

  it('does not take a refusal for one where an earlier send has put the bytes out', async () => {
    const id = await signed();
    const [attempt] = await bench.attempts(id);
    await bench.engine.chain.rpc.call('eth_sendRawTransaction', [attempt?.rawTransaction]);
    bench.engine.proxy.inject({ kind: 'error', message: 'the sequencer is on holiday' }, ['eth_sendRawTransaction']);
    expect(await broadcast(id)).toEqual({ kind: 'sent' });
  });

  it('waits where the node says the nonce is used up and the chain does not show it', async () => {
    const id = await signed();
    bench.engine.proxy.inject({ kind: 'error', message: 'nonce too low' }, ['eth_sendRawTransaction']);
    await expect(broadcast(id)).rejects.toMatchObject({ type: 'CHAIN_UNAVAILABLE', nonRetryable: false });
    expect(await bench.attempts(id)).toMatchObject([{ status: 'SIGNED' }]);
    expect(await bench.noncesOf(id)).toMatchObject([{ state: 'SIGNED', liveRequestId: id }]);
    bench.engine.proxy.inject({ kind: 'pass' });
    expect(await broadcast(id)).toEqual({ kind: 'sent' });
  });

  it('goes to confirmation when an older attempt has been mined', async () => {
    const id = await signed();
    expect(await broadcast(id)).toEqual({ kind: 'sent' });
    await bench.sign({ requestId: id, mode: 'replace' });
    await bench.mine();
    expect(await broadcast(id)).toEqual({ kind: 'sent' });
    expect(await received(id)).toEqual({ total: 1_000_000n, payments: 1 });
  });

  it.each(['an attempt of ours', 'a stranger'])('asks for a dearer replacement where %s holds the nonce at a price it did not beat', async (whose) => {
    const id = await signed();
    if (whose === 'a stranger') {
      const [attempt] = await bench.attempts(id);
      await sendFromHotWallet(bench.engine, { nonce: attempt?.nonce ?? 0 });
      expect(await broadcast(id)).toEqual({ kind: 'underpriced' });
    } else {
      expect(await broadcast(id)).toEqual({ kind: 'sent' });
      await bench.sign({ requestId: id, mode: 'replace' });
      bench.engine.proxy.inject({ kind: 'error', message: 'replacement transaction underpriced' }, ['eth_sendRawTransaction']);
      expect(await broadcast(id)).toEqual({ kind: 'underpriced' });
      bench.engine.proxy.inject({ kind: 'pass' });
    }
    const before = await bench.attempts(id);
    expect(before.at(-1)).toMatchObject({ status: 'BROADCASTED' });
    expect(await bench.sign({ requestId: id, mode: 'replace' })).toMatchObject({ kind: 'signed', nonce: before[0]?.nonce });
    expect(await bench.attempts(id)).toHaveLength(before.length + 1);
  });

  describe('while something stands still', () => {
    const halt = { scope: 'TOKEN', target: '', kind: 'OPERATOR' } as const;

    it('sends nothing that pays under a halt, also one that was set while it waited, and goes on when it is lifted', async () => {
      const id = await signed();
      const { tokenAddress } = await bench.engine.row(id);
      const standing = { ...halt, target: tokenAddress ?? '' };
      const set = () => setHalt(bench.ports.db, { ...standing, reason: 'test', setBy: 'test' });
      bench.engine.proxy.inject({ kind: 'error', message: 'txpool is full' }, ['eth_sendRawTransaction']);
      const before = sends();
      const interrupted = makeBroadcast({ ...bench.ports, clock: { nowMs: Date.now, sleep: set } });
      await expect(interrupted({ requestId: id })).rejects.toMatchObject({ type: 'HALTED', nonRetryable: false });
      expect(sends() - before).toBe(1);
      // No node was ever given it: its nonce is to be voided, or the other tokens of the wallet wait behind it.
      expect(await broadcast(id)).toEqual({ kind: 'withheld', because: 'halted' });
      expect(sends() - before).toBe(1);
      bench.engine.proxy.inject({ kind: 'pass' });
      await liftHalt(bench.ports.db, standing);
      expect(await broadcast(id)).toEqual({ kind: 'sent' });
      // What is out already is left to be mined: the halt is waited out.
      await setHalt(bench.ports.db, { ...standing, reason: 'test', setBy: 'test' });
      await expect(broadcast(id)).rejects.toMatchObject({ type: 'HALTED', nonRetryable: false });
      await liftHalt(bench.ports.db, standing);
    });

    it('looks again before the bytes leave when it slept after its first look', async () => {
      const id = await signed();
      const everything = { scope: 'GLOBAL', target: EVERYTHING, kind: 'OPERATOR' } as const;
      const before = sends();
      // A process that is stopped for a second after its look; the halt comes meanwhile, and its setter waits for nobody.
      let nowMs = Date.now();
      const sleeper = makeBroadcast({ ...bench.ports, db: aroundFirstTransaction(bench.ports.db, { after: async () => {
        nowMs += 1_000;
        await setHalt(bench.ports.db, { ...everything, reason: 'test', setBy: 'test' });
      } }), clock: { nowMs: () => nowMs, sleep: async () => undefined } });
      await expect(sleeper({ requestId: id })).rejects.toMatchObject({ type: 'HALTED', nonRetryable: false });
      expect(sends()).toBe(before);
      await liftHalt(bench.ports.db, everything);
      expect(await broadcast(id)).toEqual({ kind: 'sent' });
    });

    it('withholds what pays once a cancel intent stands, but sends what voids it', async () => {
      const id = await signed();
      await commitCancelIntent(bench.ports.db, id, 'all', new Date());
      const before = sends();
      expect(await broadcast(id)).toEqual({ kind: 'withheld', because: 'cancelled' });
      expect(sends()).toBe(before);
      await bench.sign({ requestId: id, mode: 'void' });
      expect(await broadcast(id)).toEqual({ kind: 'sent' });
      await bench.mine();
    });

    it('withholds what pays where the wish to cancel comes between reading it and sending', async () => {
      const id = await signed();
      const before = sends();
      const late = makeBroadcast({ ...bench.ports, db: aroundFirstTransaction(bench.ports.db, { before: async () => void (await commitCancelIntent(bench.ports.db, id, 'all', new Date())) }) });
      expect(await late({ requestId: id })).toEqual({ kind: 'withheld', because: 'cancelled' });
      expect(sends()).toBe(before);
      await bench.sign({ requestId: id, mode: 'void' });
      expect(await broadcast(id)).toEqual({ kind: 'sent' });
    });

    it('sends nothing that pays for what a person was called for', async () => {
      const id = await signed();
      await bench.park({ requestId: id, code: 'PAID_BY_HAND', class: 'unknown', reason: 'test' });
      const before = sends();
      await expect(broadcast(id)).rejects.toMatchObject({ type: 'PARKED', nonRetryable: true });
      expect(sends()).toBe(before);
      expect(await bench.engine.row(id)).toMatchObject({ status: 'DEAD_LETTERED', errorCode: 'PAID_BY_HAND' });
      await bench.sign({ requestId: id, mode: 'void' });
      expect(await broadcast(id)).toEqual({ kind: 'sent' });
    });

    it('leaves parked what was parked while it was sent: a word that it was paid by hand still forbids a cancellation', async () => {
      const id = await signed();
      const rpc = interruptedAfter(bench.ports.rpc, 'eth_sendRawTransaction', () => bench.park({ requestId: id, code: 'PAID_BY_HAND', class: 'unknown', reason: 'test' }));
      expect(await makeBroadcast({ ...bench.ports, rpc })({ requestId: id })).toEqual({ kind: 'sent' });
      expect(await bench.engine.row(id)).toMatchObject({ status: 'DEAD_LETTERED', errorCode: 'PAID_BY_HAND' });
      expect(await bench.attempts(id)).toMatchObject([{ status: 'BROADCASTED' }]);
      expect(await bench.timeline(id)).toContain('sent');
      expect(await commitCancelIntent(bench.ports.db, id, 'all', new Date())).toMatchObject({ kind: 'refused', reason: 'paid-by-hand' });
    });

    it('sends what pays nobody under a halt, but nothing at all from a halted wallet', async () => {
      const id = await signed();
      await bench.sign({ requestId: id, mode: 'void' });
      const { chainId } = bench.engine.chain;
      const before = sends();
      await setWalletStatus(bench.ports.db, chainId, bench.wallet, 'HALTED', 'test');
      await expect(broadcast(id)).rejects.toMatchObject({ type: 'WALLET_UNAVAILABLE', nonRetryable: false });
      expect(sends()).toBe(before);
      await setWalletStatus(bench.ports.db, chainId, bench.wallet, 'ACTIVE', null);
      const everything = { scope: 'GLOBAL', target: EVERYTHING, kind: 'OPERATOR' } as const;
      await setHalt(bench.ports.db, { ...everything, reason: 'test', setBy: 'test' });
      expect(await broadcast(id)).toEqual({ kind: 'sent' });
      await liftHalt(bench.ports.db, everything);
      await bench.mine();
      expect(await received(id)).toEqual({ total: 0n, payments: 0 });
    });

    it('sends no older bytes when newer ones were signed while it waited', async () => {
      const id = await signed();
      bench.engine.proxy.inject({ kind: 'error', message: 'txpool is full' }, ['eth_sendRawTransaction']);
      const before = sends();
      const interrupted = makeBroadcast({ ...bench.ports, clock: { nowMs: Date.now, sleep: async () => void (await bench.sign({ requestId: id, mode: 'void' })) } });
      await expect(interrupted({ requestId: id })).rejects.toMatchObject({ type: 'CHAIN_UNAVAILABLE', nonRetryable: false });
      expect(sends() - before).toBe(1);
      bench.engine.proxy.inject({ kind: 'pass' });
      expect(await broadcast(id)).toEqual({ kind: 'sent' });
      await bench.mine();
      expect(await received(id)).toEqual({ total: 0n, payments: 0 });
    });
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

/** The database, doing something else before its first transaction begins, or after it was committed. */
function aroundFirstTransaction(db: Database, { before, after }: { before?: () => Promise<void>; after?: () => Promise<void> }): Database {
  let pending = true;
  return new Proxy(db, {
    get(target, name, receiver) {
      if (name !== 'transaction') return Reflect.get(target, name, receiver) as unknown;
      return async <T>(work: (tx: Transaction) => Promise<T>): Promise<T> => {
        const isFirst = pending;
        pending = false;
        if (isFirst) await before?.();
        const result = await target.transaction(work);
        if (isFirst) await after?.();
        return result;
      };
    },
  });
}
