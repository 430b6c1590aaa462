import { randomBytes } from 'node:crypto';
import { eq } from 'drizzle-orm';
import type { RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Transaction } from '../db/client.ts';
import { commitCancelIntent } from '../db/repositories/withdrawals/cancel-intent.ts';
import { freeNonce, getLiveReservation, type NonceReservationRow } from '../db/repositories/payments/nonces.ts';
import { lockWithdrawal, setWithdrawal } from '../db/repositories/withdrawals/withdrawals.ts';
import { withdrawalRequests } from '../db/schema/index.ts';
import { transact } from '../db/transact.ts';
import type { NewAttempt } from '../db/repositories/payments/attempts.ts';
import { randomHash, startBench, type Bench } from './activities.testkit.ts';
import { commitAttempt } from './commit-attempt.ts';
import { takeNonce } from './take-nonce.ts';

/** Whoever decides on a withdrawal's money holds its row: what comes second decides by what came first, not by what it read before. */
describe('whoever comes second, of two that decide on one withdrawal', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench();
  });
  afterAll(() => bench.engine.stop());

  const take = (requestId: string) => takeNonce(bench.ports, { requestId, chainId: bench.engine.chain.chainId, walletAddress: bench.wallet, window: 64 });
  async function commit(requestId: string, reservation: NonceReservationRow) {
    const { chainId, nonce } = reservation;
    const attempt: NewAttempt = { requestId, reservationId: reservation.id, ordinal: 0, purpose: 'PAY', txHash: randomHash(), rawTransaction: `0x${randomBytes(8).toString('hex')}`, chainId, nonce, from: bench.wallet, to: bench.wallet, value: 0n, gasLimit: 1n, maxFeePerGas: 1n, maxPriorityFeePerGas: 1n };
    return commitAttempt(bench.ports.db, { requestId, reservation, attempt });
  }
  /** A statement that names the request, and is still the same at the next look, waits for its row. */
  async function untilWaiting(requestId: string): Promise<void> {
    let before = '';
    const waits = async () => {
      const [rows] = await bench.engine.database.pool.query<RowDataPacket[]>('SELECT id, info FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND info LIKE ?', [`%${requestId}%`]);
      const [now, seen] = [rows.map((row) => `${row['id']} ${row['info']}`).join(), before];
      before = now;
      return now !== '' && now === seen;
    };
    await expect.poll(waits, { timeout: 8_000, interval: 50 }).toBe(true);
  }
  /** Runs `second` while `first` holds the row, having changed it; `first` commits once the second waits for it. */
  async function overtaken<T>(requestId: string, first: (tx: Transaction) => Promise<unknown>, second: () => Promise<T>): Promise<PromiseSettledResult<T>> {
    const [held, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const holding = transact(bench.ports.db, async (tx) => {
      await lockWithdrawal(tx, requestId);
      await first(tx);
      held.resolve();
      await release.promise;
    });
    await held.promise;
    const settled = Promise.allSettled([second()]);
    await untilWaiting(requestId);
    release.resolve();
    await holding;
    return (await settled)[0];
  }
  const intend = (requestId: string) => (tx: Transaction) => tx.update(withdrawalRequests).set({ cancelIntentAt: new Date() }).where(eq(withdrawalRequests.requestId, requestId));

  it('a signer commits nothing that pays after a wish to cancel', async () => {
    const id = await bench.funded();
    const reservation = await take(id);
    expect(await overtaken(id, intend(id), () => commit(id, reservation))).toMatchObject({ value: { kind: 'cancelled' } });
    expect(await bench.attempts(id)).toEqual([]);
    await bench.closeUnpaid({ requestId: id, status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'test' });
  });

  it('a signer commits nothing on a nonce that was given back', async () => {
    const id = await bench.funded();
    const reservation = await take(id);
    expect(await overtaken(id, (tx) => freeNonce(tx, id), () => commit(id, reservation))).toMatchObject({ status: 'rejected', reason: { code: 'SERVICE_UNAVAILABLE' } });
    expect(await bench.attempts(id)).toEqual([]);
    expect(await getLiveReservation(bench.ports.db, id)).toBeNull();
  });

  it('an end that pays nothing is refused after bytes that pay', async () => {
    const id = await bench.funded();
    const live = (tx: Transaction) => setWithdrawal(tx, id, { hasLivePayment: true });
    const close = () => bench.closeUnpaid({ requestId: id, status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'test' });
    expect(await overtaken(id, live, close)).toMatchObject({ status: 'rejected', reason: { type: 'INVALID_STATE' } });
    expect(await bench.funds(id)).toMatchObject({ state: 'HELD' });
  });

  it('a wish to cancel is refused after the payment was seen in a block', async () => {
    const id = await bench.funded();
    const mined = (tx: Transaction) => tx.update(withdrawalRequests).set({ status: 'CONFIRMING' }).where(eq(withdrawalRequests.requestId, id));
    expect(await overtaken(id, mined, () => commitCancelIntent(bench.ports.db, id, 'all', new Date()))).toMatchObject({ value: { kind: 'refused', reason: 'payment-mined' } });
    expect((await bench.engine.row(id)).cancelIntentAt).toBeNull();
  });

  it('nobody is given a nonce after being parked', async () => {
    const id = await bench.funded();
    const parked = (tx: Transaction) => tx.update(withdrawalRequests).set({ status: 'DEAD_LETTERED' }).where(eq(withdrawalRequests.requestId, id));
    expect(await overtaken(id, parked, () => take(id))).toMatchObject({ status: 'rejected', reason: { code: 'PARKED' } });
    expect(await bench.noncesOf(id)).toEqual([]);
  });

  it('funds are not held after an end', async () => {
    const id = await bench.accept();
    const ended = (tx: Transaction) => tx.update(withdrawalRequests).set({ status: 'CANCELLED' }).where(eq(withdrawalRequests.requestId, id));
    expect(await overtaken(id, ended, () => bench.reserveFunds({ requestId: id }))).toMatchObject({ status: 'rejected', reason: { type: 'INVALID_STATE' } });
    expect(await bench.funds(id)).toBeNull();
  });
});
