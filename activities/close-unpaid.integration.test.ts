import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBench, type Bench } from './activities.testkit.ts';
import { takeNonce } from './take-nonce.ts';

describe('the ways out that pay nothing', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench();
  });
  afterAll(() => bench.engine.stop());

  const close = (requestId: string, status: 'FAILED' | 'CANCELLED' | 'REJECTED' = 'CANCELLED') => bench.closeUnpaid({ requestId, status, code: 'CANCELLED_BY_REQUEST', reason: 'nobody wants it' });
  const park = (requestId: string, reason = 'nobody knows') => bench.park({ requestId, code: 'INTERNAL', class: 'unknown', reason });
  async function reserved(): Promise<{ id: string; nonce: number }> {
    const id = await bench.funded();
    const { nonce } = await takeNonce(bench.ports, { requestId: id, chainId: bench.engine.chain.chainId, walletAddress: bench.wallet, window: 64 });
    return { id, nonce };
  }

  describe('closing', () => {
    it.each(['FAILED', 'CANCELLED', 'REJECTED'] as const)('ends as %s and releases once, though asked three times', async (status) => {
      const id = await bench.funded();
      expect(await Promise.all([close(id, status), close(id, status)])).toEqual([status, status]);
      const row = await bench.engine.row(id);
      const funds = await bench.funds(id);
      expect(row).toMatchObject({ status, errorCode: 'CANCELLED_BY_REQUEST', errorMessage: 'nobody wants it', hasLivePayment: false });
      expect(row.completedAt).toBeInstanceOf(Date);
      expect(funds).toMatchObject({ state: 'RELEASED', spentAmount: 0n, spentGasWei: 0n, settledBlock: null });
      // Another end comes too late, and is told which one stands.
      expect(await close(id, status === 'FAILED' ? 'CANCELLED' : 'FAILED')).toBe(status);
      expect([await bench.engine.row(id), await bench.funds(id)]).toEqual([row, funds]);
      expect(await bench.timeline(id)).toEqual(['funds reserved', status.toLowerCase()]);
    });

    it('ends what never held funds', async () => {
      const id = await bench.accept();
      expect(await close(id, 'REJECTED')).toBe('REJECTED');
      expect(await bench.funds(id)).toBeNull();
    });

    it('frees an unsigned nonce, which the next withdrawal takes', async () => {
      const { id, nonce } = await reserved();
      await close(id);
      expect(await bench.noncesOf(id)).toMatchObject([{ nonce, state: 'FREED', liveRequestId: null }]);
      expect((await reserved()).nonce).toBe(nonce);
    });

    it('is refused while a payment may be on chain, and changes nothing then', async () => {
      const id = await bench.funded();
      await bench.sign({ requestId: id, mode: 'pay' });
      for (const parked of [false, true]) {
        if (parked) await park(id);
        const before = [await bench.engine.row(id), await bench.funds(id), await bench.noncesOf(id)];
        await expect(close(id)).rejects.toMatchObject({ type: 'INVALID_STATE', nonRetryable: true });
        expect([await bench.engine.row(id), await bench.funds(id), await bench.noncesOf(id)]).toEqual(before);
      }
    });

    it('is refused while a person’s word that it was paid by hand stands', async () => {
      const id = await bench.funded();
      await bench.park({ requestId: id, code: 'PAID_BY_HAND', class: 'unknown', reason: 'test' });
      for (const status of ['CANCELLED', 'FAILED', 'REJECTED'] as const) await expect(close(id, status)).rejects.toMatchObject({ type: 'INVALID_STATE', nonRetryable: true });
      expect(await bench.engine.row(id)).toMatchObject({ status: 'DEAD_LETTERED', errorCode: 'PAID_BY_HAND' });
      expect(await bench.funds(id)).toMatchObject({ state: 'HELD' });
    });

    it('has one winner when it races a signer', async () => {
      for (let round = 0; round < 5; round += 1) {
        const id = await bench.funded();
        const [signed, closed] = await Promise.allSettled([bench.sign({ requestId: id, mode: 'pay' }), close(id)]);
        const [row, attempts, funds, nonces] = [await bench.engine.row(id), await bench.attempts(id), await bench.funds(id), await bench.noncesOf(id)];
        // A signer that comes after the end is told that there is nothing to sign.
        const signerLost = signed.status === 'rejected' || signed.value.kind === 'nothing';
        expect(signerLost).toBe(closed.status === 'fulfilled');
        if (closed.status === 'fulfilled') {
          expect(attempts).toEqual([]);
          expect([row.status, funds?.state]).toEqual(['CANCELLED', 'RELEASED']);
          expect(nonces.filter(({ liveRequestId }) => liveRequestId !== null)).toEqual([]);
        } else {
          expect(attempts).toHaveLength(1);
          expect([row.status, row.hasLivePayment, funds?.state]).toEqual(['SIGNED', true, 'HELD']);
        }
      }
    });
  });

  describe('parking', () => {
    it('frees an unsigned nonce and keeps the funds and the first reason, though asked twice', async () => {
      const { id, nonce } = await reserved();
      expect(await park(id, 'first')).toMatchObject({ holdsNonce: false, ended: null });
      expect(await park(id, 'second')).toMatchObject({ holdsNonce: false, ended: null });
      expect(await bench.engine.row(id)).toMatchObject({ status: 'DEAD_LETTERED', errorCode: 'INTERNAL', errorMessage: 'first', completedAt: null });
      expect(await bench.funds(id)).toMatchObject({ state: 'HELD' });
      expect(await bench.noncesOf(id)).toMatchObject([{ nonce, state: 'FREED', liveRequestId: null }]);
      expect((await bench.timeline(id)).filter((type) => type === 'parked for a person')).toHaveLength(1);
      const next = await reserved();
      expect(next.nonce).toBe(nonce);
      // Parked once more, it does not free what is another's now.
      await park(id);
      expect(await bench.noncesOf(next.id)).toMatchObject([{ nonce, state: 'RESERVED' }]);
    });

    it('says that signed bytes hold a nonce, and leaves them to be settled on chain', async () => {
      const id = await bench.funded();
      await bench.sign({ requestId: id, mode: 'pay' });
      expect(await park(id)).toMatchObject({ holdsNonce: true, ended: null });
      expect(await park(id)).toMatchObject({ holdsNonce: true, ended: null });
      expect(await bench.noncesOf(id)).toMatchObject([{ state: 'SIGNED', liveRequestId: id }]);
    });

    it('parks nothing that has ended', async () => {
      const id = await bench.funded();
      await close(id, 'FAILED');
      expect(await park(id)).toMatchObject({ holdsNonce: false, ended: 'FAILED' });
      expect((await bench.engine.row(id)).status).toBe('FAILED');
    });
  });
});
