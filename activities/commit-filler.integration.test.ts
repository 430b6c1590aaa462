import { eq } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { halts, nonceReservations } from '../db/schema/index.ts';
import { getTransaction } from '../db/repositories/payments/chain-view.ts';
import { takeForFiller } from '../db/repositories/payments/fillers.ts';
import { setHalt } from '../db/repositories/operations/halts.ts';
import { endNonce, getLiveReservation, lockLiveReservation } from '../db/repositories/payments/nonces.ts';
import { setWalletStatus } from '../db/repositories/wallets/wallets.ts';
import { transact } from '../db/transact.ts';
import { EVERYTHING, NATIVE } from '../domain/halts.ts';
import { startBench, workBehind, workBehindHalt, type Bench } from './activities.testkit.ts';
import { makeSignFiller, type SignFillerPorts } from './sign-filler.ts';
import { takeNonce } from './take-nonce.ts';

let bench: Bench;
let chainId: number;
beforeAll(async () => {
  bench = await startBench();
  ({ chainId } = bench.engine.chain);
});
afterAll(() => bench.engine.stop());
afterEach(async () => {
  await bench.ports.db.delete(halts);
  await setWalletStatus(bench.ports.db, chainId, bench.wallet, 'ACTIVE', 'test');
});

/** A nonce that was given back and taken by a filler. */
async function filler(): Promise<{ requestId: string; nonce: number }> {
  const gone = await bench.funded();
  const { nonce } = await takeNonce(bench.ports, { requestId: gone, chainId, walletAddress: bench.wallet, window: 64 });
  await bench.closeUnpaid({ requestId: gone, status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'test' });
  return { requestId: await retake(nonce), nonce };
}

async function retake(nonce: number): Promise<string> {
  const requestId = await takeForFiller(bench.ports.db, { chainId, walletAddress: bench.wallet, nonce });
  if (requestId === null) throw new Error('this nonce is no gap');
  return requestId;
}

const sign = (requestId: string, ordinal = 0) => makeSignFiller(bench.ports)({ requestId, ordinal });

/** Signs with a signer that, before it gives the bytes back, lets something happen. */
const signWhile = (requestId: string, interruption: () => Promise<unknown>) => {
  const signer: SignFillerPorts['signer'] = {
    async signTransaction(request) {
      const signed = await bench.ports.signer.signTransaction(request);
      await interruption();
      return signed;
    },
  };
  return makeSignFiller({ ...bench.ports, signer })({ requestId, ordinal: 0 });
};

describe('the commit of a filler', () => {
  it('has its hash followed on the chain', async () => {
    const { requestId } = await filler();
    const signed = await sign(requestId);
    if (signed.kind !== 'signed') throw new Error('nothing was signed');
    expect(await getTransaction(bench.ports.db, chainId, signed.txHash as `0x${string}`)).toMatchObject({ requestId, status: 'PENDING' });
  });

  it.each([
    ['a halt of everything', 'HALTED', () => setHalt(bench.ports.db, { scope: 'GLOBAL', target: EVERYTHING, kind: 'OPERATOR', reason: 'test', setBy: 'test' })],
    ['a halt of its wallet', 'HALTED', () => setHalt(bench.ports.db, { scope: 'WALLET', target: bench.wallet, kind: 'OPERATOR', reason: 'test', setBy: 'test' })],
    ['books that fell behind', 'BOOKS_BEHIND', () => setHalt(bench.ports.db, { scope: 'GLOBAL', target: EVERYTHING, kind: 'RECOVERY', reason: 'test', setBy: 'test' })],
    ['its wallet having been halted', 'WALLET_UNAVAILABLE', () => setWalletStatus(bench.ports.db, chainId, bench.wallet, 'HALTED', 'test')],
  ])('forgets what was signed under %s, unsent', async (_, type, interruption) => {
    const { requestId } = await filler();
    await expect(signWhile(requestId, interruption)).rejects.toMatchObject({ type });
    expect(await bench.attempts(requestId)).toEqual([]);
  });

  it('is not stopped by the halt of a token', async () => {
    const { requestId } = await filler();
    const halted = () => setHalt(bench.ports.db, { scope: 'TOKEN', target: NATIVE, kind: 'OPERATOR', reason: 'test', setBy: 'test' });
    expect(await signWhile(requestId, halted)).toMatchObject({ kind: 'signed' });
  });

  it('does not slip past a halt that is being set', async () => {
    const { requestId } = await filler();
    await expect(workBehindHalt(bench, () => sign(requestId))).rejects.toMatchObject({ type: 'HALTED' });
    expect(await bench.attempts(requestId)).toEqual([]);
  });

  it('waits for who holds the wallet', async () => {
    const { requestId } = await filler();
    const halted = workBehind(bench, (tx) => setWalletStatus(tx, chainId, bench.wallet, 'HALTED', 'test'), '%from `wallets`%for update%', () => sign(requestId));
    await expect(halted).rejects.toMatchObject({ type: 'WALLET_UNAVAILABLE' });
    expect(await bench.attempts(requestId)).toEqual([]);
  });

  it('commits nothing on a nonce the chain has ruled on meanwhile', async () => {
    const { requestId } = await filler();
    const ended = async () => {
      const reservation = await getLiveReservation(bench.ports.db, requestId);
      await transact(bench.ports.db, (tx) => endNonce(tx, reservation?.id ?? 0, null));
    };
    expect(await signWhile(requestId, ended)).toEqual({ kind: 'gone' });
    expect(await bench.attempts(requestId)).toEqual([]);
  });

  it('waits for who rules on its nonce', async () => {
    const { requestId } = await filler();
    const ruled = workBehind(
      bench,
      async (tx) => {
        const reservation = await lockLiveReservation(tx, requestId);
        await endNonce(tx, reservation?.id ?? 0, null);
      },
      '%from `nonce_reservations`%for update%',
      () => sign(requestId),
    );
    expect(await ruled).toEqual({ kind: 'gone' });
    expect(await bench.attempts(requestId)).toEqual([]);
  });

  it('commits nothing on a nonce that was given back and taken by a filler again meanwhile', async () => {
    const { requestId, nonce } = await filler();
    const retaken = async () => {
      await bench.ports.db.update(nonceReservations).set({ state: 'FREED', liveRequestId: null }).where(eq(nonceReservations.requestId, requestId));
      expect(await retake(nonce)).toBe(requestId);
    };
    expect(await signWhile(requestId, retaken)).toEqual({ kind: 'gone' });
    expect(await bench.attempts(requestId)).toEqual([]);
  });

  it('answers the second signer with the bytes of the first', async () => {
    const { requestId } = await filler();
    const first: { answer?: unknown } = {};
    const second = await signWhile(requestId, async () => (first.answer = await sign(requestId)));
    expect(second).toMatchObject({ kind: 'signed' });
    expect(second).toEqual(first.answer);
    expect(await bench.attempts(requestId)).toHaveLength(1);
  });

  it('leaves out no ordinal', async () => {
    const { requestId } = await filler();
    await expect(sign(requestId, 1)).rejects.toMatchObject({ type: 'INTERNAL' });
    expect(await bench.attempts(requestId)).toEqual([]);
  });
});
