import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wallets, withdrawalRequests } from '../db/schema/index.ts';
import { listOpenAlerts } from '../db/repositories/operations/alerts.ts';
import { commitCancelIntent } from '../db/repositories/withdrawals/cancel-intent.ts';
import { setWalletStatus } from '../db/repositories/wallets/wallets.ts';
import type { AttemptRow } from '../db/repositories/payments/attempts.ts';
import { outcomeOf } from '../domain/status.ts';
import { randomHash, startBench, type Bench } from './activities.testkit.ts';
import { makeSettle, type FinalVerdict } from './settle.ts';

const BLOCK = 7;
const COST = 987_654_321n;

describe('settling', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench();
  });
  afterAll(() => bench.engine.stop());

  async function signed(): Promise<{ id: string; attempt: AttemptRow }> {
    const id = await bench.funded();
    await bench.sign({ requestId: id, mode: 'pay' });
    const [attempt] = await bench.attempts(id);
    if (!attempt) throw new Error('nothing was signed');
    return { id, attempt };
  }
  async function voiding(): Promise<{ id: string; paying: AttemptRow; attempt: AttemptRow }> {
    const { id, attempt: paying } = await signed();
    await park(id);
    await bench.sign({ requestId: id, mode: 'void' });
    const [, attempt] = await bench.attempts(id);
    if (!attempt) throw new Error('nothing was voided');
    return { id, paying, attempt };
  }
  const facts = ({ txHash }: AttemptRow) => ({ txHash, blockNumber: BLOCK, costWei: COST.toString() });
  const lost = ({ nonce }: AttemptRow, foreignTxHash: string = randomHash()): FinalVerdict => ({ kind: 'nonce-lost', nonce, foreignTxHash, blockNumber: BLOCK, movedValue: false });
  const settle = (requestId: string, verdict: FinalVerdict) => bench.settle({ requestId, verdict });
  const park = (requestId: string) => bench.park({ requestId, code: 'INTERNAL', class: 'unknown', reason: 'test' });
  const cancelled = { status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'test' } as const;
  /** Everything booked for a request; two equal ones mean that nothing was booked in between. */
  const books = async (requestId: string) => ({
    row: await bench.engine.row(requestId),
    funds: await bench.funds(requestId),
    nonces: await bench.noncesOf(requestId),
    attempts: await bench.attempts(requestId),
    timeline: await bench.timeline(requestId),
  });

  it('books a payment once, however often and from wherever it is told', async () => {
    const { id, attempt } = await signed();
    const verdict: FinalVerdict = { kind: 'paid', logIndex: 3, ...facts(attempt) };
    await Promise.all([settle(id, verdict), settle(id, verdict)]);
    const booked = await books(id);
    expect(booked).toMatchObject({
      row: { status: 'COMPLETED', hasLivePayment: false, paidTxHash: attempt.txHash, paidLogIndex: 3, txHash: attempt.txHash },
      funds: { state: 'CONSUMED', spentAmount: 1_000_000n, spentGasWei: COST, settledBlock: BLOCK },
      nonces: [{ state: 'CONSUMED', consumedBy: attempt.txHash, liveRequestId: null }],
      attempts: [{ status: 'CONFIRMED' }],
    });
    expect(booked.timeline.filter((type) => type === 'completed')).toHaveLength(1);
    await settle(id, verdict);
    await settle(id, { kind: 'unpaid', ...facts(attempt) });
    await settle(id, lost(attempt));
    expect(await bench.closeUnpaid({ requestId: id, ...cancelled })).toBe('COMPLETED');
    expect(await park(id)).toMatchObject({ holdsNonce: false, ended: 'COMPLETED' });
    expect(await books(id)).toEqual(booked);
  });

  it('books once when the process dies right after', async () => {
    const { id, attempt } = await signed();
    const dying = makeSettle({
      ...bench.ports,
      crashPoint: () => {
        throw new Error('died');
      },
    });
    const verdict: FinalVerdict = { kind: 'paid', logIndex: 0, ...facts(attempt) };
    await expect(dying({ requestId: id, verdict })).rejects.toMatchObject({ type: 'INTERNAL' });
    const booked = await books(id);
    expect(booked.row.status).toBe('COMPLETED');
    await settle(id, verdict);
    expect(await books(id)).toEqual(booked);
  });

  it('marks the attempts that lost as replaced', async () => {
    const { id, attempt } = await signed();
    await bench.broadcast({ requestId: id });
    await bench.sign({ requestId: id, mode: 'replace' });
    await settle(id, { kind: 'paid', logIndex: 0, ...facts(attempt) });
    expect(await bench.attempts(id)).toMatchObject([{ status: 'CONFIRMED' }, { status: 'REPLACED' }]);
  });

  it('releases the funds of a payment that reverted, less its gas, once', async () => {
    const { id, attempt } = await signed();
    await settle(id, { kind: 'unpaid', ...facts(attempt) });
    const booked = await books(id);
    expect(booked).toMatchObject({
      row: { status: 'FAILED', hasLivePayment: false, errorCode: 'TRANSFER_REFUSED', paidTxHash: null },
      funds: { state: 'RELEASED', spentAmount: 0n, spentGasWei: COST, settledBlock: BLOCK },
      attempts: [{ status: 'REVERTED' }],
    });
    await settle(id, { kind: 'unpaid', ...facts(attempt) });
    expect(await bench.closeUnpaid({ requestId: id, ...cancelled })).toBe('FAILED');
    expect(await books(id)).toEqual(booked);
  });

  it('calls nothing unpaid that a person says was paid by hand: the chain is asked first', async () => {
    const { id, attempt } = await signed();
    await bench.park({ requestId: id, code: 'PAID_BY_HAND', class: 'unknown', reason: 'test' });
    expect(await settle(id, { kind: 'unpaid', ...facts(attempt) })).toBe('DEAD_LETTERED');
    const booked = await books(id);
    expect(booked).toMatchObject({
      row: { errorCode: 'PAID_BY_HAND', hasLivePayment: false, txHash: null, paidTxHash: null },
      funds: { state: 'HELD', spentGasWei: COST },
      nonces: [{ state: 'CONSUMED', consumedBy: attempt.txHash, liveRequestId: null }],
      attempts: [{ status: 'REVERTED' }],
    });
    await settle(id, { kind: 'unpaid', ...facts(attempt) });
    expect(await books(id)).toEqual(booked);
  });

  it('never calls a short payment unpaid, and never pays it again', async () => {
    const { id, attempt } = await signed();
    await settle(id, { kind: 'mismatch', received: '990000', ...facts(attempt) });
    const { row, funds } = await books(id);
    expect(funds).toMatchObject({ state: 'CONSUMED' });
    expect(row).toMatchObject({ paidTxHash: attempt.txHash });
    expect(outcomeOf(row.status, row.hasLivePayment)).toBe('UNKNOWN');
    expect(await park(id)).toMatchObject({ holdsNonce: false, ended: null });
    await expect(bench.sign({ requestId: id, mode: 'pay' })).rejects.toMatchObject({ type: 'PAYMENT_MISMATCH' });
    for (const mode of ['replace', 'void'] as const) expect(await bench.sign({ requestId: id, mode })).toEqual({ kind: 'nothing' });
    await expect(bench.closeUnpaid({ requestId: id, ...cancelled })).rejects.toMatchObject({ type: 'INVALID_STATE' });
    expect(await bench.attempts(id)).toHaveLength(1);
  });

  it('gives a new nonce only after the old one was lost, and a repeated ruling on the old one leaves the new one alone', async () => {
    const { id, attempt } = await signed();
    const verdict = lost(attempt);
    await settle(id, verdict);
    expect(await books(id)).toMatchObject({ row: { status: 'SIGNING', hasLivePayment: false }, funds: { state: 'HELD' }, nonces: [{ state: 'FOREIGN', liveRequestId: null }], attempts: [{ status: 'DROPPED' }] });
    const again = await bench.sign({ requestId: id, mode: 'pay' });
    expect(again).toMatchObject({ kind: 'signed' });
    const live = await books(id);
    expect(live).toMatchObject({ row: { hasLivePayment: true }, nonces: [{ state: 'FOREIGN' }, { state: 'SIGNED', liveRequestId: id }] });
    // A reset workflow says it again while the second payment is out.
    await settle(id, verdict);
    await settle(id, { kind: 'voided', ...facts(attempt) });
    await settle(id, { kind: 'unpaid', ...facts(attempt) });
    expect(await books(id)).toEqual(live);
    expect(await bench.sign({ requestId: id, mode: 'pay' })).toEqual(again);
  });

  it('does not take our own transaction for a stranger', async () => {
    const { id, attempt } = await signed();
    const before = await books(id);
    await expect(settle(id, lost(attempt, attempt.txHash))).rejects.toMatchObject({ type: 'INTERNAL' });
    expect(await books(id)).toEqual(before);
  });

  it('leaves a parked withdrawal where a person sees it', async () => {
    const byStranger = await voiding();
    await settle(byStranger.id, lost(byStranger.attempt));
    expect(await bench.engine.row(byStranger.id)).toMatchObject({ status: 'DEAD_LETTERED', hasLivePayment: false });
    const byUs = await voiding();
    await settle(byUs.id, { kind: 'voided', ...facts(byUs.attempt) });
    expect(await bench.engine.row(byUs.id)).toMatchObject({ status: 'DEAD_LETTERED', hasLivePayment: false });
  });

  it('pays nothing with a voided nonce: the funds stay held until a person decides, then end once', async () => {
    const { id, paying, attempt } = await voiding();
    await settle(id, { kind: 'voided', ...facts(attempt) });
    const booked = await books(id);
    expect(booked).toMatchObject({ row: { status: 'DEAD_LETTERED', hasLivePayment: false, txHash: null }, funds: { state: 'HELD' }, nonces: [{ state: 'CONSUMED', consumedBy: attempt.txHash }] });
    expect(booked.attempts.map(({ txHash, status }) => [txHash, status])).toEqual([
      [paying.txHash, 'REPLACED'],
      [attempt.txHash, 'CONFIRMED'],
    ]);
    await settle(id, { kind: 'voided', ...facts(attempt) });
    expect(await books(id)).toEqual(booked);
    expect(await bench.closeUnpaid({ requestId: id, ...cancelled })).toBe('CANCELLED');
    expect(await bench.funds(id)).toMatchObject({ state: 'RELEASED', spentAmount: 0n });
  });

  it('cancels once the chain has ruled for the transaction that pays nothing, gas booked, funds released once', async () => {
    const { id } = await signed();
    expect((await commitCancelIntent(bench.ports.db, id, 'all', new Date())).kind).toBe('intended');
    await bench.broadcast({ requestId: id });
    await bench.sign({ requestId: id, mode: 'void' });
    const [, attempt] = await bench.attempts(id);
    if (!attempt) throw new Error('nothing was voided');
    const verdict: FinalVerdict = { kind: 'voided', ...facts(attempt) };
    expect(await settle(id, verdict)).toBe('CANCELLED');
    const booked = await books(id);
    expect(booked).toMatchObject({ row: { hasLivePayment: false, txHash: null, errorCode: 'CANCELLED_BY_REQUEST' }, funds: { state: 'RELEASED', spentAmount: 0n, spentGasWei: COST, settledBlock: BLOCK } });
    expect(await settle(id, verdict)).toBe('CANCELLED');
    expect(await books(id)).toEqual(booked);
  });

  it('ends what the chain has paid, whatever the status says', async () => {
    const { id, attempt } = await signed();
    await bench.ports.db.update(withdrawalRequests).set({ status: 'PENDING' }).where(eq(withdrawalRequests.requestId, id));
    expect(await settle(id, { kind: 'paid', logIndex: 0, ...facts(attempt) })).toBe('COMPLETED');
  });

  it('takes a retried withdrawal up where it stands while its bytes are out', async () => {
    const { id, paying } = await voiding();
    expect(await bench.reserveFunds({ requestId: id, retried: true })).toMatchObject({ kind: 'reserved' });
    expect((await bench.engine.row(id)).status).toBe('BROADCASTED');
    expect(await settle(id, { kind: 'paid', logIndex: 0, ...facts(paying) })).toBe('COMPLETED');
  });

  it('lets the payment win against a cancellation', async () => {
    const { id, attempt } = await signed();
    await commitCancelIntent(bench.ports.db, id, 'all', new Date());
    expect(await settle(id, { kind: 'paid', logIndex: 0, ...facts(attempt) })).toBe('COMPLETED');
  });

  it('books the gas of a voided nonce though its withdrawal goes on, and adds that of the payment', async () => {
    const { id, attempt } = await voiding();
    await settle(id, { kind: 'voided', ...facts(attempt) });
    expect(await bench.funds(id)).toMatchObject({ state: 'HELD', spentGasWei: COST });
    await bench.reserveFunds({ requestId: id, retried: true });
    await bench.sign({ requestId: id, mode: 'pay' });
    const paying = (await bench.attempts(id)).at(-1);
    if (!paying) throw new Error('nothing was signed');
    await settle(id, { kind: 'paid', logIndex: 0, ...facts(paying) });
    expect(await bench.funds(id)).toMatchObject({ state: 'CONSUMED', spentGasWei: 2n * COST });
  });

  it('halts the wallet of which a stranger took value, and calls once', async () => {
    const { id, attempt } = await signed();
    const verdict: FinalVerdict = { ...(lost(attempt) as Extract<FinalVerdict, { kind: 'nonce-lost' }>), movedValue: true };
    expect(await settle(id, verdict)).toBe('SIGNING');
    await settle(id, verdict);
    expect(await bench.ports.db.select().from(wallets)).toMatchObject([{ status: 'HALTED' }]);
    expect(await listOpenAlerts(bench.ports.db, bench.wallet)).toMatchObject([{ kind: 'FOREIGN_OUTFLOW', timesSeen: 1 }]);
    await setWalletStatus(bench.ports.db, bench.engine.chain.chainId, bench.wallet, 'ACTIVE', null);
  });

  it('lets the payment win the race against its voiding', async () => {
    const { id, paying } = await voiding();
    await settle(id, { kind: 'paid', logIndex: 0, ...facts(paying) });
    expect(await books(id)).toMatchObject({ row: { status: 'COMPLETED', errorCode: null, paidTxHash: paying.txHash }, funds: { state: 'CONSUMED' }, attempts: [{ status: 'CONFIRMED' }, { status: 'REPLACED' }] });
  });

  it('books nothing for what was closed before, nor on another withdrawal', async () => {
    const closed = await bench.funded();
    await bench.closeUnpaid({ requestId: closed, ...cancelled });
    const { id, attempt } = await signed();
    const verdict: FinalVerdict = { kind: 'paid', logIndex: 0, ...facts(attempt) };
    const other = await signed();
    const before = [await books(closed), await books(other.id)];
    await settle(closed, verdict);
    await settle(other.id, verdict);
    expect([await books(closed), await books(other.id)]).toEqual(before);
    await settle(id, verdict);
    // And the database itself lets one log serve one withdrawal.
    const stolen = bench.ports.db.update(withdrawalRequests).set({ paidTxHash: attempt.txHash, paidLogIndex: 0 }).where(eq(withdrawalRequests.requestId, other.id));
    await expect(stolen).rejects.toMatchObject({ cause: { code: 'ER_DUP_ENTRY' } });
  });
});
