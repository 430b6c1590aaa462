import { and, eq } from 'drizzle-orm';
import { Wallet } from 'ethers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { alerts, nonceReservations, signedTransactions } from '../../db/schema/index.ts';
import { takeForFiller } from '../../db/repositories/payments/fillers.ts';
import { liftHalt, setHalt } from '../../db/repositories/operations/halts.ts';
import { getWallet, setNextNonce, setWalletStatus } from '../../db/repositories/wallets/wallets.ts';
import { transact } from '../../db/transact.ts';
import { EVERYTHING } from '../../domain/halts.ts';
import { fillerIdOf, NOTHING_SEEN, type GuardianMemory } from '../../domain/guardian.ts';
import { startBench, type Bench } from '../activities.testkit.ts';
import type { Hash } from '../chain/blocks.ts';
import { makeSendFiller } from '../send-filler.ts';
import { makeSignFiller } from '../sign-filler.ts';
import { takeNonce } from '../take-nonce.ts';
import { readFrontCounter } from './front-counter.ts';
import { makeInspectWallet, type InspectWalletPorts, type InspectWalletResult } from './inspect-wallet.ts';

const ETHER = 10n ** 18n;
/** above the threshold of the sandbox, and far below what a test may do without */
const PLENTY = `0x${(1_000n * ETHER).toString(16)}`;

let bench: Bench;
let memory: GuardianMemory;
let chainId: number;
beforeEach(async () => {
  bench = await startBench({ settings: (settings) => ({ ...settings, chain: { ...settings.chain, stuckAfterBlocks: 3, guardian: { ...settings.chain.guardian, headOfLineBlocks: 6 }, finality: { mode: 'depth', depth: 2 } } }) });
  memory = NOTHING_SEEN;
  ({ chainId } = bench.engine.chain);
});
afterEach(() => bench.engine.stop());

/** One round of the guardian, as its workflow makes it. */
async function look(ports: Partial<InspectWalletPorts> = {}): Promise<InspectWalletResult> {
  const seen = await makeInspectWallet({ ...bench.ports, ...ports })({ chainId, walletAddress: bench.wallet, memory });
  memory = seen.memory;
  return seen;
}
const signFiller = (requestId: string, ordinal = 0) => makeSignFiller(bench.ports)({ requestId, ordinal });
const sendFiller = (requestId: string) => makeSendFiller(bench.ports)({ requestId });
async function round(): Promise<InspectWalletResult> {
  const seen = await look();
  for (const { requestId, ordinal } of seen.fillers) {
    if (ordinal !== null) await signFiller(requestId, ordinal);
    await sendFiller(requestId);
  }
  return seen;
}

const alertOf = async (kind: (typeof alerts.$inferSelect)['kind']) => (await bench.ports.db.select().from(alerts).where(and(eq(alerts.kind, kind), eq(alerts.subject, bench.wallet)))).at(-1);
const walletRow = () => getWallet(bench.ports.db, chainId, bench.wallet);
const attemptsOf = (requestId: string) => bench.ports.db.select().from(signedTransactions).where(eq(signedTransactions.requestId, requestId));
const take = (requestId: string) => takeNonce(bench.ports, { requestId, chainId, walletAddress: bench.wallet, window: 64 });

/** A withdrawal signed and sent on the wallet's next nonce. */
async function sent(): Promise<string> {
  const requestId = await bench.funded();
  await bench.sign({ requestId, mode: 'pay' });
  await bench.broadcast({ requestId });
  return requestId;
}

/** Nonce 0 reserved and given back, nonce 1 signed and sent behind it. */
async function gapBeforePayment(): Promise<{ payment: string }> {
  const gone = await bench.funded();
  await take(gone);
  const payment = await sent();
  await bench.closeUnpaid({ requestId: gone, status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'test' });
  expect(await bench.nonces()).toMatchObject([{ nonce: 0, state: 'FREED' }, { nonce: 1, state: 'SIGNED' }]);
  return { payment };
}

/** A transaction of the hot wallet that this engine never signed. */
async function foreign(fields: { to?: string; value?: string; data?: string; nonce?: number; mine?: boolean } = {}): Promise<Hash> {
  const { rpc } = bench.engine.chain;
  await rpc.call('anvil_impersonateAccount', [bench.wallet]);
  const nonce = fields.nonce ?? (await bench.chainNonce());
  const hash = await rpc.call<Hash>('eth_sendTransaction', [{ from: bench.wallet, to: fields.to ?? bench.wallet, value: fields.value ?? '0x0', ...(fields.data && { data: fields.data }), nonce: `0x${nonce.toString(16)}`, gas: '0x186a0', maxFeePerGas: '0x9184e72a000', maxPriorityFeePerGas: '0x1bf08eb000' }]);
  await rpc.call('anvil_stopImpersonatingAccount', [bench.wallet]);
  if (fields.mine !== false) await bench.mine();
  return hash;
}

describe('a gap', () => {
  it('is filled by a transaction that pays nobody, ends consumed, and shows what it cost', async () => {
    const { payment } = await gapBeforePayment();
    const holder = fillerIdOf(chainId, bench.wallet, 0);
    expect((await look()).fillers).toEqual([{ requestId: holder, ordinal: 0 }]);
    expect(await bench.nonces()).toMatchObject([{ nonce: 0, state: 'VOIDING', requestId: holder, liveRequestId: holder, generation: 2 }, { nonce: 1 }]);
    expect(await alertOf('NONCE_GAP')).toMatchObject({ resolvedAt: null });
    expect(await signFiller(holder)).toMatchObject({ kind: 'signed' });
    expect(await sendFiller(holder)).toEqual({ kind: 'sent' });
    expect(await attemptsOf(holder)).toMatchObject([{ ordinal: 0, purpose: 'VOID', nonce: 0, from: bench.wallet, to: bench.wallet, value: 0n, gasLimit: 21_000n, status: 'BROADCASTED' }]);

    await bench.mine();
    expect(await bench.chainNonce()).toBe(2);
    expect((await look()).fillers).toEqual([]);
    expect(await bench.nonces()).toMatchObject([{ nonce: 0, state: 'VOIDING' }, { nonce: 1, state: 'SIGNED', liveRequestId: payment }]);
    await bench.mine(2);
    await look();
    const [attempt] = await attemptsOf(holder);
    expect(await bench.nonces()).toMatchObject([{ nonce: 0, state: 'CONSUMED', consumedBy: attempt?.txHash, liveRequestId: null }, { nonce: 1 }]);
    expect(attempt).toMatchObject({ status: 'CONFIRMED' });
    expect((await alertOf('NONCE_GAP'))?.detail['nonce 0']).toMatch(/^filled by 0x[0-9a-f]{64} for [1-9][0-9]* wei$/);
    expect((await alertOf('NONCE_GAP'))?.resolvedAt).toBeInstanceOf(Date);
  });

  it('without signed bytes behind it is left to the next withdrawal', async () => {
    const gone = await bench.funded();
    await take(gone);
    await bench.closeUnpaid({ requestId: gone, status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'test' });
    expect((await look()).fillers).toEqual([]);
    expect(await take(await bench.funded())).toMatchObject({ nonce: 0, generation: 2 });
  });

  it('is taken once by guardians and withdrawals that all want it', async () => {
    await gapBeforePayment();
    const late = await bench.funded();
    const gap = { chainId, walletAddress: bench.wallet, nonce: 0 };
    const [first, second, taken] = await Promise.all([takeForFiller(bench.ports.db, gap), takeForFiller(bench.ports.db, gap), take(late)]);
    const owners = [first, second].filter((holder) => holder !== null).length + (taken.nonce === 0 ? 1 : 0);
    expect(owners).toBe(1);
    expect((await bench.nonces()).filter(({ nonce }) => nonce === 0)).toMatchObject([{ generation: 2 }]);
  });

  it('left by a row that is missing is filled too, and the fast front follows', async () => {
    await gapBeforePayment();
    await bench.ports.db.delete(nonceReservations).where(eq(nonceReservations.nonce, 0));
    await round();
    expect(await bench.nonces()).toMatchObject([{ nonce: 0, state: 'VOIDING', generation: 1 }, { nonce: 1 }]);
    await bench.mine();
    expect(await bench.chainNonce()).toBe(2);
    expect(await take(await bench.funded())).toMatchObject({ nonce: 2 });
  });

  it('left by a stranger’s transaction that a reorg removed is filled', async () => {
    await bench.mine(4);
    await take(await bench.funded());
    await bench.ports.db.delete(nonceReservations);
    await transact(bench.ports.db, (tx) => setNextNonce(tx, chainId, bench.wallet, 0));
    await foreign();
    const payment = await sent();
    expect(await bench.nonces()).toMatchObject([{ nonce: 0, state: 'FOREIGN' }, { nonce: 1, liveRequestId: payment }]);
    expect((await look()).fillers).toEqual([]);
    await bench.engine.chain.rpc.call('anvil_reorg', [1, []]);
    await bench.engine.chain.rpc.call('anvil_dropAllTransactions', []);
    expect(await bench.chainNonce()).toBe(0);
    await round();
    await bench.broadcast({ requestId: payment });
    await bench.mine(3);
    await look();
    expect(await bench.nonces()).toMatchObject([{ nonce: 0, state: 'CONSUMED' }, { nonce: 1, state: 'SIGNED' }]);
    expect(await bench.chainNonce()).toBe(2);
  });
});

describe('a filler', () => {
  const holder = () => fillerIdOf(chainId, bench.wallet, 0);

  it('asked for twice, or by two signers at once, is signed once', async () => {
    await gapBeforePayment();
    await look();
    const answers = await Promise.all([signFiller(holder()), signFiller(holder()), signFiller(holder())]);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await attemptsOf(holder())).toHaveLength(1);
    expect(await signFiller(holder())).toEqual(answers[0]);
  });

  it('committed and never sent is sent by the next look', async () => {
    await gapBeforePayment();
    await look();
    await signFiller(holder());
    expect((await look()).fillers).toEqual([{ requestId: holder(), ordinal: null }]);
    await sendFiller(holder());
    expect((await look()).fillers).toEqual([]);
  });

  it('that nobody mines is replaced at a higher fee, and whichever wins ends it', async () => {
    await gapBeforePayment();
    await look();
    await signFiller(holder());
    await sendFiller(holder());
    await look();
    await bench.engine.chain.rpc.call('anvil_dropAllTransactions', []);
    await bench.mine(3);
    expect((await look()).fillers).toEqual([{ requestId: holder(), ordinal: 1 }]);
    await signFiller(holder(), 1);
    await sendFiller(holder());
    const [first, second] = await attemptsOf(holder());
    expect((second?.maxFeePerGas ?? 0n) * 10n).toBeGreaterThanOrEqual((first?.maxFeePerGas ?? 0n) * 11n);
    await bench.mine(3);
    await look();
    expect(await attemptsOf(holder())).toMatchObject([{ status: 'REPLACED' }, { status: 'CONFIRMED' }]);
  });

  it('that lost its nonce to a stranger ends with proof, and the stranger is booked', async () => {
    await gapBeforePayment();
    await look();
    await signFiller(holder());
    const stranger = await foreign({ nonce: 0 });
    await look();
    expect((await bench.nonces())[0]).toMatchObject({ state: 'VOIDING' });
    await bench.mine(2);
    await look();
    expect((await bench.nonces())[0]).toMatchObject({ state: 'FOREIGN', consumedBy: stranger, liveRequestId: null });
    expect(await attemptsOf(holder())).toMatchObject([{ status: 'DROPPED' }]);
    expect((await walletRow()).status).toBe('ACTIVE');
  });

  it('of a wallet halted meanwhile is neither signed nor sent', async () => {
    await gapBeforePayment();
    await look();
    await setWalletStatus(bench.ports.db, chainId, bench.wallet, 'HALTED', 'test');
    await expect(signFiller(holder())).rejects.toMatchObject({ type: 'WALLET_UNAVAILABLE' });
    expect((await look()).fillers).toEqual([]);
    expect(await attemptsOf(holder())).toEqual([]);
  });

  it('waits for a kill switch that covers its wallet, and not for one on a token', async () => {
    await gapBeforePayment();
    await look();
    const wide = { scope: 'CHAIN', target: String(chainId), kind: 'OPERATOR' } as const;
    await setHalt(bench.ports.db, { ...wide, reason: 'test', setBy: 'test' });
    await expect(signFiller(holder())).rejects.toMatchObject({ type: 'HALTED' });
    await liftHalt(bench.ports.db, wide);
    await setHalt(bench.ports.db, { scope: 'TOKEN', target: 'native', kind: 'OPERATOR', reason: 'test', setBy: 'test' });
    expect(await signFiller(holder())).toMatchObject({ kind: 'signed' });
  });

  it('is never signed on a nonce that a withdrawal holds', async () => {
    const payment = await sent();
    await expect(signFiller(payment)).rejects.toMatchObject({ type: 'INVALID_STATE' });
    await expect(sendFiller(payment)).rejects.toMatchObject({ type: 'INVALID_STATE' });
  });
});

describe('a foreign transaction', () => {
  beforeEach(async () => {
    // The wallet's first nonce is known to the books.
    await bench.closeUnpaid({ requestId: await bench.funded().then(async (id) => (await take(id), id)), status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'test' });
  });

  it('without outflow is booked once it is final, with an alert that ends by itself', async () => {
    const first = await foreign();
    const second = await foreign();
    await look();
    expect(await bench.nonces()).toMatchObject([{ nonce: 0, state: 'FREED' }]);
    await bench.mine(2);
    await look();
    expect(await bench.nonces()).toMatchObject([{ nonce: 0, state: 'FOREIGN', consumedBy: first }, { nonce: 1, state: 'FOREIGN', consumedBy: second }]);
    expect(await walletRow()).toMatchObject({ status: 'ACTIVE', nextNonce: 2 });
    expect(await alertOf('FOREIGN_TRANSACTION')).toMatchObject({ resolvedAt: null });
    expect(await take(await bench.funded())).toMatchObject({ nonce: 2 });
    await bench.mine(6);
    await look();
    expect((await alertOf('FOREIGN_TRANSACTION'))?.resolvedAt).toBeInstanceOf(Date);
  });

  it.each([
    ['coins to somebody', { value: '0x1' }],
    ['a token’s transfer', { data: '0xa9059cbb' }],
  ])('with outflow (%s) halts the wallet', async (_, fields) => {
    await foreign({ to: Wallet.createRandom().address, ...fields });
    await bench.mine(2);
    await look();
    expect(await walletRow()).toMatchObject({ status: 'HALTED', statusReason: 'engine: FOREIGN_OUTFLOW' });
    expect(await alertOf('FOREIGN_OUTFLOW')).toMatchObject({ resolvedAt: null });
    await look();
    await bench.mine(10);
    await look();
    expect(await walletRow()).toMatchObject({ status: 'HALTED' });
    expect(await alertOf('FOREIGN_OUTFLOW')).toMatchObject({ resolvedAt: null, timesSeen: 1 });
  });

  it('is not looked for while the books are behind: every payment since would be one', async () => {
    await setHalt(bench.ports.db, { scope: 'GLOBAL', target: EVERYTHING, kind: 'RECOVERY', reason: 'test', setBy: 'test' });
    await foreign({ to: Wallet.createRandom().address, value: '0x1' });
    await bench.mine(2);
    await look();
    expect(await walletRow()).toMatchObject({ status: 'ACTIVE', nextNonce: 1 });
    await liftHalt(bench.ports.db, { scope: 'GLOBAL', target: EVERYTHING, kind: 'RECOVERY' });
    await look();
    expect(await walletRow()).toMatchObject({ status: 'HALTED', nextNonce: 1 });
  });

  it('that took a nonce reserved without bytes is booked, and the request gets another nonce', async () => {
    const waiting = await bench.funded();
    expect(await take(waiting)).toMatchObject({ nonce: 0 });
    await foreign();
    await bench.mine(2);
    await look();
    expect(await bench.nonces()).toMatchObject([{ nonce: 0, state: 'FOREIGN', liveRequestId: null }]);
    expect(await take(waiting)).toMatchObject({ nonce: 1, liveRequestId: waiting });
  });

  it('waiting in the pool at a nonce nobody gave out pauses the wallet once it lasts, and its end lifts the pause', async () => {
    // The freed nonce 0 is skipped over: the transaction waits behind it.
    await foreign({ nonce: 0, mine: false });
    await foreign({ nonce: 1, mine: false });
    await look();
    expect(await walletRow()).toMatchObject({ status: 'ACTIVE' });
    // As if blocks had come that left the pool alone.
    expect(memory.drift).not.toBeNull();
    memory = { ...memory, drift: { sinceBlock: memory.block - 3 } };
    await look();
    expect(await walletRow()).toMatchObject({ status: 'PAUSED', statusReason: 'engine: NONCE_DRIFT' });
    expect(await alertOf('NONCE_DRIFT')).toMatchObject({ resolvedAt: null });
    await bench.engine.chain.rpc.call('anvil_dropAllTransactions', []);
    await look();
    expect(await walletRow()).toMatchObject({ status: 'ACTIVE', statusReason: null });
    expect((await alertOf('NONCE_DRIFT'))?.resolvedAt).toBeInstanceOf(Date);
  });
});

describe('what else is watched', () => {
  it('gas: too little pauses and alerts, enough lifts and resolves; a person’s pause stays', async () => {
    const { rpc } = bench.engine.chain;
    await rpc.call('anvil_setBalance', [bench.wallet, '0x1']);
    await look();
    expect(await walletRow()).toMatchObject({ status: 'PAUSED', statusReason: 'engine: GAS_LOW' });
    expect(await alertOf('GAS_LOW')).toMatchObject({ resolvedAt: null });
    await rpc.call('anvil_setBalance', [bench.wallet, PLENTY]);
    await look();
    expect(await walletRow()).toMatchObject({ status: 'ACTIVE' });
    expect((await alertOf('GAS_LOW'))?.resolvedAt).toBeInstanceOf(Date);

    await setWalletStatus(bench.ports.db, chainId, bench.wallet, 'PAUSED', 'maintenance');
    await rpc.call('anvil_setBalance', [bench.wallet, '0x1']);
    await look();
    await rpc.call('anvil_setBalance', [bench.wallet, PLENTY]);
    await look();
    expect(await walletRow()).toMatchObject({ status: 'PAUSED', statusReason: 'maintenance' });
  });

  it('the lowest nonce: an alert once it stood still for long, resolved when it moves', async () => {
    const payment = await bench.funded();
    await bench.sign({ requestId: payment, mode: 'pay' });
    await look();
    await bench.mine(5);
    await look();
    expect(await alertOf('HEAD_OF_LINE')).toBeUndefined();
    await bench.mine(1);
    await look();
    expect(await alertOf('HEAD_OF_LINE')).toMatchObject({ resolvedAt: null, detail: { nonce: 0, holder: payment } });
    await bench.broadcast({ requestId: payment });
    await bench.mine();
    await look();
    expect((await alertOf('HEAD_OF_LINE'))?.resolvedAt).toBeInstanceOf(Date);
  });

  it('a nonce the books saw consumed and the chain no longer counts is drift', async () => {
    const payment = await sent();
    await bench.ports.db.update(nonceReservations).set({ state: 'CONSUMED', liveRequestId: null }).where(eq(nonceReservations.requestId, payment));
    await look();
    await bench.engine.chain.rpc.call('anvil_dropAllTransactions', []);
    await bench.mine(3);
    await look();
    expect(await walletRow()).toMatchObject({ status: 'PAUSED', statusReason: 'engine: NONCE_DRIFT' });
    expect((await alertOf('NONCE_DRIFT'))?.detail['reason']).toContain('nonce 0');
  });

  it('finality undone: whatever looks for it, its word halts the wallet', async () => {
    await look({ findUndone: (_, chain, wallet) => Promise.resolve(chain === chainId && wallet === bench.wallet ? [{ txHash: '0x01', requestId: 'tx-1', blockNumber: 7 }] : []) });
    expect(await walletRow()).toMatchObject({ status: 'HALTED', statusReason: 'engine: FINALITY_UNDONE' });
    expect(await alertOf('FINALITY_UNDONE')).toMatchObject({ detail: { txHash: '0x01', requestId: 'tx-1', blockNumber: 7 } });
  });

  it('a fast front that ran away is rewritten from MySQL, after a second look', async () => {
    await sent();
    expect(await readFrontCounter(bench.ports.redis, chainId, bench.wallet)).toBe(1);
    for (let index = 0; index < 5; index += 1) await bench.ports.nonceFront.propose(chainId, bench.wallet, `nobody-${index}`);
    expect(await readFrontCounter(bench.ports.redis, chainId, bench.wallet)).toBe(6);
    await look();
    expect(await readFrontCounter(bench.ports.redis, chainId, bench.wallet)).toBe(6);
    await look();
    expect(await readFrontCounter(bench.ports.redis, chainId, bench.wallet)).toBe(1);
    expect(await bench.ports.nonceFront.propose(chainId, bench.wallet, 'next')).toEqual({ nonce: 1, counter: 2 });
  });

  it('without anything to say it changes nothing', async () => {
    await sent();
    const before = await bench.nonces();
    const [first, second] = [await look(), await look()];
    expect(first.fillers).toEqual([]);
    expect(second.memory).toEqual(first.memory);
    expect(await bench.nonces()).toEqual(before);
    expect(await bench.ports.db.select().from(alerts)).toEqual([]);
  });
});
