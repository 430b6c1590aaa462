import { eq } from 'drizzle-orm';
import { Transaction as SignedTransaction, Wallet } from 'ethers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Transaction } from '../db/client.ts';
import { halts, nonceReservations, wallets, withdrawalRequests } from '../db/schema/index.ts';
import { markBroadcasted, type AttemptRow } from '../db/repositories/payments/attempts.ts';
import { commitCancelIntent } from '../db/repositories/withdrawals/cancel-intent.ts';
import { liftHalt, setHalt } from '../db/repositories/operations/halts.ts';
import { getLiveReservation } from '../db/repositories/payments/nonces.ts';
import { transact } from '../db/transact.ts';
import { randomHash, startBench, workBehind, workBehindHalt, type Bench } from './activities.testkit.ts';
import { commitAttempt } from './commit-attempt.ts';
import { makeSign, type SignPorts } from './sign.ts';

describe('signing', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench();
  });
  afterAll(() => bench.engine.stop());
  beforeEach(async () => {
    await bench.ports.db.update(wallets).set({ status: 'ACTIVE' });
    await bench.ports.db.delete(halts);
  });

  /** A signer that, before it gives the bytes back, lets something happen. */
  const whileSigning = (interruption: () => Promise<unknown>): ReturnType<typeof makeSign> => {
    const signer: SignPorts['signer'] = {
      async signTransaction(request) {
        const signed = await bench.ports.signer.signTransaction(request);
        await interruption();
        return signed;
      },
    };
    return makeSign({ ...bench.ports, signer });
  };
  const pay = (requestId: string) => bench.sign({ requestId, mode: 'pay' });
  const cancel = (requestId: string) => commitCancelIntent(bench.ports.db, requestId, 'all', new Date());
  const only = async (requestId: string): Promise<AttemptRow> => {
    const attempts = await bench.attempts(requestId);
    expect(attempts).toHaveLength(1);
    return attempts[0] as AttemptRow;
  };
  const sent = async (requestId: string) => {
    for (const { id } of await bench.attempts(requestId)) await transact(bench.ports.db, (tx) => markBroadcasted(tx, id));
  };

  it('commits one attempt, paying exactly what was asked, however often it is called', async () => {
    const id = await bench.funded('USDC', 1_234_567n);
    const first = await pay(id);
    expect(await pay(id)).toEqual(first);
    const attempt = await only(id);
    expect(first).toEqual({ kind: 'signed', txHash: attempt.txHash, nonce: attempt.nonce });
    const signed = SignedTransaction.from(attempt.rawTransaction);
    const row = await bench.engine.row(id);
    expect(signed).toMatchObject({ hash: attempt.txHash, from: bench.wallet, to: row.tokenAddress, value: 0n, nonce: attempt.nonce, type: 2 });
    expect(Number(signed.chainId)).toBe(bench.engine.chain.chainId);
    expect(signed.data).toBe(`0xa9059cbb${row.toAddress.slice(2).toLowerCase().padStart(64, '0')}${1_234_567n.toString(16).padStart(64, '0')}`);
    expect(row).toMatchObject({ status: 'SIGNED', hasLivePayment: true, txHash: attempt.txHash });
    expect(await bench.noncesOf(id)).toMatchObject([{ state: 'SIGNED', nonce: attempt.nonce, liveRequestId: id }]);
    expect((await bench.funds(id))?.gasWei).toBeGreaterThanOrEqual(attempt.gasLimit * attempt.maxFeePerGas);
  });

  it('sends the native coin by value, to the recipient', async () => {
    const id = await bench.funded('POL', 7n);
    await pay(id);
    expect(SignedTransaction.from((await only(id)).rawTransaction)).toMatchObject({ to: (await bench.engine.row(id)).toAddress, value: 7n, data: '0x' });
  });

  it('commits one attempt when two signers work at once', async () => {
    const id = await bench.funded();
    const other = makeSign(bench.ports);
    const results = await Promise.all([pay(id), other({ requestId: id, mode: 'pay' }), pay(id), other({ requestId: id, mode: 'pay' })]);
    const { txHash, nonce } = await only(id);
    expect(results).toEqual(Array.from({ length: 4 }, () => ({ kind: 'signed', txHash, nonce })));
    expect(await bench.noncesOf(id)).toHaveLength(1);
  });

  it('gives the same nonce after a death between reserving and committing', async () => {
    const id = await bench.funded();
    const dying = makeSign({
      ...bench.ports,
      crashPoint: (name) => {
        if (name === 'nonce-reserved') throw new Error('died');
      },
    });
    await expect(dying({ requestId: id, mode: 'pay' })).rejects.toMatchObject({ type: 'INTERNAL' });
    const [reserved] = await bench.noncesOf(id);
    expect(reserved).toMatchObject({ state: 'RESERVED' });
    expect(await pay(id)).toMatchObject({ kind: 'signed', nonce: reserved?.nonce });
  });

  it.each([
    ['recipient', { toAddress: Wallet.createRandom().address as `0x${string}` }],
    ['amount', { amount: 999_999_999n }],
    ['token', { tokenAddress: null }],
    ['seal', { seal: '0'.repeat(64) }],
  ])('signs nothing for a row whose %s was changed after it was accepted', async (_name, change) => {
    const id = await bench.funded();
    await bench.ports.db.update(withdrawalRequests).set(change).where(eq(withdrawalRequests.requestId, id));
    await expect(pay(id)).rejects.toMatchObject({ type: 'SEAL_BROKEN', nonRetryable: true });
    expect(await bench.attempts(id)).toEqual([]);
    expect(await bench.noncesOf(id)).toEqual([]);
  });

  it('signs nothing, now or later, once a cancel intent stands', async () => {
    const id = await bench.funded();
    expect((await cancel(id)).kind).toBe('intended');
    expect([await pay(id), await pay(id)]).toEqual([{ kind: 'cancelled' }, { kind: 'cancelled' }]);
    expect(await bench.attempts(id)).toEqual([]);
    expect(await bench.noncesOf(id)).toEqual([]);
  });

  it('commits nothing when the intent comes while it signs; the nonce is freed with the end', async () => {
    const id = await bench.funded();
    expect(await whileSigning(() => cancel(id))({ requestId: id, mode: 'pay' })).toEqual({ kind: 'cancelled' });
    expect(await bench.attempts(id)).toEqual([]);
    await bench.closeUnpaid({ requestId: id, status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'test' });
    const [freed] = await bench.noncesOf(id);
    expect(freed).toMatchObject({ state: 'FREED' });
    const next = await bench.funded();
    expect(await pay(next)).toMatchObject({ nonce: freed?.nonce });
  });

  it('signs no replacement that pays once a cancel intent stands, but voids the nonce', async () => {
    const id = await bench.funded();
    const first = await pay(id);
    await sent(id);
    expect(await cancel(id)).toMatchObject({ kind: 'intended' });
    expect(await bench.sign({ requestId: id, mode: 'replace' })).toEqual({ kind: 'cancelled' });
    expect(await pay(id)).toEqual(first);
    expect(await bench.sign({ requestId: id, mode: 'void' })).toMatchObject({ kind: 'signed' });
    expect((await bench.attempts(id)).map(({ purpose }) => purpose)).toEqual(['PAY', 'VOID']);
  });

  it('forgets a replacement that pays when the intent comes while it is signed', async () => {
    const id = await bench.funded();
    await pay(id);
    await sent(id);
    expect(await whileSigning(() => cancel(id))({ requestId: id, mode: 'replace' })).toEqual({ kind: 'cancelled' });
    expect(await bench.attempts(id)).toHaveLength(1);
  });

  it('commits nothing for a withdrawal that was parked while it signed, until a person takes it up again', async () => {
    const id = await bench.funded();
    const slow = whileSigning(() => bench.engine.database.db.update(withdrawalRequests).set({ status: 'DEAD_LETTERED' }).where(eq(withdrawalRequests.requestId, id)));
    await expect(slow({ requestId: id, mode: 'pay' })).rejects.toMatchObject({ type: 'PARKED' });
    await expect(pay(id)).rejects.toMatchObject({ type: 'PARKED' });
    expect(await bench.attempts(id)).toEqual([]);
    expect(await bench.reserveFunds({ requestId: id })).toEqual({ kind: 'parked' });
    expect(await bench.reserveFunds({ requestId: id, retried: true })).toMatchObject({ kind: 'reserved' });
    expect(await pay(id)).toMatchObject({ kind: 'signed' });
  });

  it('halts everything when the database lacks a hash the workflow was told of', async () => {
    const id = await bench.funded();
    await expect(bench.sign({ requestId: id, mode: 'pay', knownTxHash: randomHash() })).rejects.toMatchObject({ type: 'BOOKS_BEHIND', nonRetryable: false });
    expect(await bench.noncesOf(id)).toEqual([]);
    await expect(pay(id)).rejects.toMatchObject({ type: 'BOOKS_BEHIND' });
    await bench.ports.db.delete(halts);
    const signed = await pay(id);
    if (signed.kind !== 'signed') throw new Error('nothing was signed');
    expect(await bench.sign({ requestId: id, mode: 'pay', knownTxHash: signed.txHash })).toEqual(signed);
  });

  it('waits while a halt stands, and gives back the nonce it had reserved', async () => {
    const id = await bench.funded();
    const [wallet] = await bench.ports.db.select().from(wallets);
    await bench.ports.db.update(wallets).set({ keyId: `${wallet?.keyId}-gone` });
    await expect(pay(id)).rejects.toMatchObject({ type: 'KEY_INVALID' });
    await bench.ports.db.update(wallets).set({ keyId: wallet?.keyId ?? '' });
    expect(await bench.noncesOf(id)).toMatchObject([{ state: 'RESERVED' }]);
    const halt = { scope: 'GLOBAL', target: '*', kind: 'OPERATOR' } as const;
    await setHalt(bench.ports.db, { ...halt, reason: 'test', setBy: 'test' });
    await expect(pay(id)).rejects.toMatchObject({ type: 'HALTED', nonRetryable: false });
    expect(await bench.noncesOf(id)).toMatchObject([{ state: 'FREED' }]);
    await liftHalt(bench.ports.db, halt);
    expect(await pay(id)).toMatchObject({ kind: 'signed' });
  });

  it.each(['pay', 'replace'] as const)('commits nothing under a halt that came while it signed, and goes on when it is lifted: %s', async (mode) => {
    const id = await bench.funded();
    if (mode === 'replace') {
      await pay(id);
      await sent(id);
    }
    const before = (await bench.attempts(id)).length;
    const halt = { scope: 'TOKEN', target: (await bench.engine.row(id)).tokenAddress ?? '', kind: 'OPERATOR' } as const;
    const slow = whileSigning(() => setHalt(bench.ports.db, { ...halt, reason: 'test', setBy: 'test' }));
    await expect(slow({ requestId: id, mode })).rejects.toMatchObject({ type: 'HALTED', nonRetryable: false });
    expect(await bench.attempts(id)).toHaveLength(before);
    await liftHalt(bench.ports.db, halt);
    expect(await bench.sign({ requestId: id, mode })).toMatchObject({ kind: 'signed' });
    expect(await bench.attempts(id)).toHaveLength(before + 1);
  });

  /** Signs; comes to commit while another transaction, open since the bytes were signed, holds what it changed. */
  const payBehind = async (requestId: string, change: (tx: Transaction) => Promise<unknown>, table: string) => {
    const [signed, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const paying = whileSigning(() => {
      signed.resolve();
      return goOn.promise;
    })({ requestId, mode: 'pay' });
    await Promise.race([signed.promise, paying]);
    return workBehind(bench, change, `%\`${table}\`%`, () => {
      goOn.resolve();
      return paying;
    });
  };

  it('waits at the commit for a wish to cancel that is being committed', async () => {
    const id = await bench.funded();
    const wish = (tx: Transaction) => tx.update(withdrawalRequests).set({ cancelIntentAt: new Date() }).where(eq(withdrawalRequests.requestId, id));
    expect(await payBehind(id, wish, 'withdrawal_requests')).toEqual({ kind: 'cancelled' });
    expect(await bench.attempts(id)).toEqual([]);
  });

  it('waits at the commit for who books its nonce as another’s', async () => {
    const id = await bench.funded();
    const booked = (tx: Transaction) => tx.update(nonceReservations).set({ state: 'FOREIGN', liveRequestId: null }).where(eq(nonceReservations.requestId, id));
    await expect(payBehind(id, booked, 'nonce_reservations')).rejects.toMatchObject({ type: 'SERVICE_UNAVAILABLE' });
    expect(await bench.attempts(id)).toEqual([]);
  });

  it('commits nothing when it comes to commit while a halt is being set', async () => {
    const id = await bench.funded();
    await expect(workBehindHalt(bench, () => pay(id))).rejects.toMatchObject({ type: 'HALTED' });
    expect(await bench.attempts(id)).toEqual([]);
  });

  it('commits nothing when the nonce passed to somebody else while it signed', async () => {
    const id = await bench.funded();
    const next = await bench.funded();
    const slow = whileSigning(async () => {
      await bench.park({ requestId: id, code: 'INTERNAL', class: 'unknown', reason: 'test' });
      await pay(next);
    });
    await expect(slow({ requestId: id, mode: 'pay' })).rejects.toMatchObject({ type: 'SERVICE_UNAVAILABLE' });
    expect(await bench.attempts(id)).toEqual([]);
    const { nonce } = await only(next);
    expect((await bench.nonces()).find((row) => row.nonce === nonce)).toMatchObject({ requestId: next, state: 'SIGNED', generation: 2 });
    await bench.closeUnpaid({ requestId: id, status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'test' });
  });

  it('replaces with the same payment on the same nonce, at least a tenth dearer on both fees', async () => {
    const id = await bench.funded();
    await pay(id);
    await sent(id);
    const replaced = await bench.sign({ requestId: id, mode: 'replace' });
    const [first, second, ...more] = (await bench.attempts(id)) as [AttemptRow, AttemptRow];
    expect(more).toEqual([]);
    expect(replaced).toEqual({ kind: 'signed', txHash: second.txHash, nonce: first.nonce });
    expect([first.ordinal, second.ordinal, second.purpose]).toEqual([0, 1, 'PAY']);
    const [before, after] = [SignedTransaction.from(first.rawTransaction), SignedTransaction.from(second.rawTransaction)];
    for (const field of ['to', 'value', 'data', 'nonce', 'gasLimit', 'chainId', 'from'] as const) expect(after[field]).toEqual(before[field]);
    for (const fee of ['maxFeePerGas', 'maxPriorityFeePerGas'] as const) expect((after[fee] ?? 0n) * 10n).toBeGreaterThanOrEqual((before[fee] ?? 0n) * 11n);
    expect((await bench.funds(id))?.gasWei).toBe(second.gasLimit * second.maxFeePerGas);
  });

  it('makes one replacement when it is asked twice before any is sent, also at once', async () => {
    const id = await bench.funded();
    await pay(id);
    await sent(id);
    const replace = () => bench.sign({ requestId: id, mode: 'replace' });
    const results = await Promise.all([replace(), replace()]);
    results.push(await replace());
    const attempts = await bench.attempts(id);
    expect(attempts).toHaveLength(2);
    expect(new Set(results.map((result) => result.kind === 'signed' && result.txHash))).toEqual(new Set([attempts[1]?.txHash]));
  });

  it('holds a replacement back at the fee ceiling', async () => {
    const id = await bench.funded();
    await pay(id);
    await sent(id);
    const { maxFeePerGas } = await only(id);
    const settings = { ...bench.ports.settings, chain: { ...bench.ports.settings.chain, maximumFeePerGasWei: (maxFeePerGas + 1n).toString() } };
    expect(await makeSign({ ...bench.ports, settings })({ requestId: id, mode: 'replace' })).toEqual({ kind: 'held' });
    await only(id);
  });

  it('voids with a transfer of nothing to ourselves on the same nonce, after which nothing on it pays', async () => {
    const id = await bench.funded();
    await pay(id);
    await sent(id);
    const voided = await bench.sign({ requestId: id, mode: 'void' });
    expect(await bench.sign({ requestId: id, mode: 'void' })).toEqual(voided);
    const [paying, voiding] = (await bench.attempts(id)) as [AttemptRow, AttemptRow];
    expect(SignedTransaction.from(voiding.rawTransaction)).toMatchObject({ from: bench.wallet, to: bench.wallet, value: 0n, data: '0x', nonce: paying.nonce, gasLimit: 21_000n });
    expect(voiding.maxFeePerGas * 10n).toBeGreaterThanOrEqual(paying.maxFeePerGas * 11n);
    expect(await bench.noncesOf(id)).toMatchObject([{ state: 'VOIDING' }]);

    expect(await pay(id)).toMatchObject({ txHash: voiding.txHash });
    await sent(id);
    await bench.sign({ requestId: id, mode: 'replace' });
    const attempts = await bench.attempts(id);
    expect(attempts.map(({ purpose }) => purpose)).toEqual(['PAY', 'VOID', 'VOID']);

    const reservation = await getLiveReservation(bench.ports.db, id);
    if (!reservation) throw new Error('no live reservation');
    const { id: _id, status: _status, ...copy } = paying;
    const late = commitAttempt(bench.ports.db, { requestId: id, reservation, attempt: { ...copy, txHash: randomHash(), ordinal: 3 } });
    await expect(late).rejects.toMatchObject({ code: 'INVALID_STATE' });
    expect(await bench.attempts(id)).toHaveLength(3);
  });

  it('forgets a paying replacement that was signed while the nonce was voided', async () => {
    const id = await bench.funded();
    await pay(id);
    await sent(id);
    const slow = whileSigning(() => bench.sign({ requestId: id, mode: 'void' }));
    const answered = await slow({ requestId: id, mode: 'replace' });
    const attempts = await bench.attempts(id);
    expect(attempts.map(({ purpose }) => purpose)).toEqual(['PAY', 'VOID']);
    expect(answered).toMatchObject({ txHash: attempts[1]?.txHash });
  });

  it('has nothing to void or replace where nothing was signed', async () => {
    const id = await bench.funded();
    for (const mode of ['void', 'replace'] as const) expect(await bench.sign({ requestId: id, mode })).toEqual({ kind: 'nothing' });
    expect(await bench.noncesOf(id)).toEqual([]);
  });

  it('signs nothing without funds, after an end, or from a wallet that is not active', async () => {
    const unfunded = await bench.accept();
    await expect(pay(unfunded)).rejects.toMatchObject({ type: 'INVALID_STATE' });
    const ended = await bench.funded();
    await bench.closeUnpaid({ requestId: ended, status: 'FAILED', code: 'INSUFFICIENT_BALANCE', reason: 'test' });
    for (const mode of ['pay', 'void', 'replace'] as const) expect(await bench.sign({ requestId: ended, mode })).toEqual({ kind: 'nothing' });
    const waiting = await bench.funded();
    await bench.ports.db.update(wallets).set({ status: 'PAUSED' });
    await expect(pay(waiting)).rejects.toMatchObject({ type: 'WALLET_UNAVAILABLE', nonRetryable: false });
    for (const id of [unfunded, ended, waiting]) expect(await bench.noncesOf(id)).toEqual([]);
  });

  it('says KEY_INVALID when the key is gone, and keeps the nonce for the next try', async () => {
    const id = await bench.funded();
    const [wallet] = await bench.ports.db.select().from(wallets);
    await bench.ports.db.update(wallets).set({ keyId: `${wallet?.keyId}-gone` });
    await expect(pay(id)).rejects.toMatchObject({ type: 'KEY_INVALID', nonRetryable: true });
    expect(await bench.attempts(id)).toEqual([]);
    await bench.ports.db.update(wallets).set({ keyId: wallet?.keyId ?? '' });
    const [reserved] = await bench.ports.db.select().from(nonceReservations).where(eq(nonceReservations.requestId, id));
    expect(await pay(id)).toMatchObject({ kind: 'signed', nonce: reserved?.nonce });
  });
});
