import { and, eq } from 'drizzle-orm';
import { Wallet } from 'ethers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listOpenAlerts, resolveAlert } from '../../db/repositories/operations/alerts.ts';
import { liftHalt, setHalt } from '../../db/repositories/operations/halts.ts';
import { bookStrangers } from '../../db/repositories/payments/fillers.ts';
import { lastCompared, listReconciliations } from '../../db/repositories/operations/reconciliations.ts';
import { declareMovement, listMovements, type NewMovement } from '../../db/repositories/wallets/treasury-movements.ts';
import { getWallet, setWalletStatus } from '../../db/repositories/wallets/wallets.ts';
import { assets, reconciliations, signedTransactions, wallets, withdrawalRequests } from '../../db/schema/index.ts';
import type { Address } from '../../domain/address.ts';
import { EVERYTHING } from '../../domain/halts.ts';
import { transact } from '../../db/transact.ts';
import { startBench, type Bench } from '../activities.testkit.ts';
import { RpcAnswerError, type Rpc } from '../chain/rpc.ts';
import { rpcThrough } from '../chain/rpc.testkit.ts';
import { compareWallet, RANGE_BLOCKS_MAX, type Compared, type CompareOptions } from './compare-wallet.ts';
import { makeReconcileWallet } from './reconcile-wallet.ts';
import { book, deployFakeToken, erc20, fakeTransfer, ownerOfTokens, send, sendAs, somebody } from './reconcile.testkit.ts';

/** anvil finalizes a block when the second one after it is made. */
const FINAL = 3;
const AMOUNT = 1_000_000n;

let bench: Bench;
let rpc: Rpc;
let usdc: Address;
let chainId: number;
beforeAll(async () => {
  bench = await startBench();
  ({ rpc } = bench.engine.chain);
  usdc = bench.engine.chain.tokens.TestUSDC as Address;
  ({ chainId } = bench.engine.chain);
});
afterAll(() => bench.engine.stop());

const db = () => bench.ports.db;
const recipient = () => Wallet.createRandom().address as Address;
const compare = (options: Partial<CompareOptions> = {}, through: Rpc = bench.ports.rpc) => compareWallet({ ...bench.ports, rpc: through }, { walletAddress: bench.wallet, ...options });
/** compares until every final block is done */
async function compared(options: Partial<CompareOptions> = {}, through?: Rpc): Promise<Compared> {
  const comparison = await compare(options, through);
  if (comparison.kind !== 'compared') throw new Error(`not compared: ${comparison.kind}`);
  return comparison;
}
const clean = async () => expect((await compared()).findings).toEqual([]);
const status = async () => (await getWallet(db(), chainId, bench.wallet)).status;
const openAlerts = async () => (await listOpenAlerts(db())).map(({ kind, subject }) => ({ kind, subject }));
const rows = () => listReconciliations(db(), chainId, bench.wallet);
const head = async () => Number(await rpc.call<string>('eth_blockNumber', []));
const token = (method: string, ...values: unknown[]) => erc20.encodeFunctionData(method, values);
/** what somebody does with the wallet's key past the engine */
async function foreign(transaction: { to: string; value?: bigint; data?: string }): Promise<string> {
  const hash = await sendAs(rpc, { from: bench.wallet, ...transaction });
  await bench.mine(FINAL);
  // As the guardian books it; the wallet's next signature would halt on a nonce nobody has explained.
  const nonce = (await bench.chainNonce()) - 1;
  await transact(db(), (tx) => bookStrangers(tx, { chainId, walletAddress: bench.wallet }, [{ nonce, txHash: hash }]));
  return hash;
}
const declare = (change: Partial<NewMovement> = {}, declaredAt?: Date) => declareMovement(db(), { chainId, walletAddress: bench.wallet, direction: 'OUT', tokenAddress: usdc, amount: AMOUNT, counterparty: recipient(), reason: 'to the vault', declaredBy: 'test', ...change }, declaredAt);
/** a withdrawal, paid and booked */
async function paid(currency = 'USDC', amount = AMOUNT): Promise<{ id: string; txHash: string; blockNumber: number }> {
  const id = await bench.funded(currency, amount);
  await send(bench, id);
  await bench.mine();
  return { id, ...(await book(bench, id)) };
}

/** Each test begins where everything up to now was compared, nobody is called, and the wallet works. */
beforeEach(async () => {
  await bench.mine(FINAL);
  await compare();
  for (const { kind, subject } of await listOpenAlerts(db())) await resolveAlert(db(), kind, subject);
  await setWalletStatus(db(), chainId, bench.wallet, 'ACTIVE', null);
});

describe('what belongs to withdrawals', () => {
  it('is matched: plain, replaced, cancelled and short payments, of tokens and of the coin', async () => {
    await paid('USDC');
    await paid('USDT');
    await paid('POL', 10n ** 16n);

    const replaced = await bench.funded();
    await send(bench, replaced);
    await bench.sign({ requestId: replaced, mode: 'replace' });
    await bench.broadcast({ requestId: replaced });
    await bench.mine();
    await book(bench, replaced);
    expect(await bench.attempts(replaced)).toHaveLength(2);

    const voided = await bench.funded();
    await send(bench, voided);
    await bench.park({ requestId: voided, code: 'INTERNAL', class: 'unknown', reason: 'test' });
    await bench.sign({ requestId: voided, mode: 'void' });
    await bench.broadcast({ requestId: voided });
    await bench.mine();
    await book(bench, voided);
    expect(await bench.closeUnpaid({ requestId: voided, status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'test' })).toBe('CANCELLED');

    const feeToken = bench.engine.chain.tokens.TestFeeToken as Address;
    const payUsdcIn = (tokenAddress: Address) => db().update(assets).set({ tokenAddress }).where(eq(assets.currency, 'USDC'));
    await sendAs(rpc, { from: ownerOfTokens(bench), to: feeToken, data: token('mint', bench.wallet, 10n * AMOUNT) });
    await bench.mine();
    await payUsdcIn(feeToken);
    const short = await bench.funded();
    await send(bench, short);
    await payUsdcIn(usdc);
    await bench.mine();
    await book(bench, short);
    await bench.mine(FINAL);

    const comparison = await compared();
    expect(comparison).toMatchObject({ findings: [], stopped: false, counts: { matched: 4, parked: 1, extra: 1, declared: 0, stranger: 0, mismatch: 0, missing: 0, ignored: 0 } });
    expect((await rows()).at(-1)).toMatchObject({ fromBlock: comparison.from, toBlock: comparison.to, transfers: 6, matched: 6, strangers: 0, missing: 0 });
    expect(await status()).toBe('ACTIVE');
    expect(await openAlerts()).toEqual([]);
  });

  it('is in progress until it is booked, holds the cursor, and is compared once: nothing twice, nothing left out', async () => {
    const before = await lastCompared(db(), chainId, bench.wallet);
    const early = await paid();
    const late = await bench.funded();
    await send(bench, late);
    await bench.mine();
    const after = await paid();
    await bench.mine(FINAL);
    const held = await compared();
    expect(held).toMatchObject({ findings: [], counts: { matched: 2, 'in-progress': 1 } });
    const { blockNumber } = await book(bench, late);
    expect(held.recordedTo).toBe(blockNumber - 1);
    expect(await status()).toBe('ACTIVE');
    await clean();
    await bench.mine(FINAL);
    await clean();
    const since = (await rows()).filter(({ toBlock }) => toBlock > (before ?? 0));
    for (const [index, row] of since.entries()) expect(row.fromBlock).toBe((since[index - 1]?.toBlock ?? before ?? -1) + 1);
    expect(since.map(({ transfers }) => transfers).reduce((sum, count) => sum + count)).toBe(3);
    expect(since.every(({ transfers, matched }) => transfers === matched)).toBe(true);
    expect(since.at(-1)?.toBlock).toBeGreaterThan(Math.max(early.blockNumber, after.blockNumber));
  });

  it('is passed over when it is a whole chunk old, and the next blocks are compared', async () => {
    const stuck = await bench.funded();
    await send(bench, stuck);
    await bench.mine(RANGE_BLOCKS_MAX + 10);
    const first = await compared();
    expect(first).toMatchObject({ counts: { 'in-progress': 1 }, recordedTo: first.from + RANGE_BLOCKS_MAX - 1 });
    expect(first.to).toBeLessThan(first.finalized);
    const second = await compared();
    expect(second).toMatchObject({ from: first.to + 1, to: second.finalized, findings: [] });
    await book(bench, stuck);
    expect(await compared({ fromBlock: first.from, acceptLateDeclarations: true })).toMatchObject({ findings: [], counts: { matched: 1, 'in-progress': 0 } });
  });

  it('is compared once by two at the same time', async () => {
    await paid();
    await bench.mine(FINAL);
    const before = (await rows()).length;
    const both = await Promise.all([compared(), compared()]);
    expect(both.map(({ findings }) => findings)).toEqual([[], []]);
    expect(await rows()).toHaveLength(before + 1);
    expect(await compare()).toEqual({ kind: 'up-to-date' });
  });
});

describe("a stranger's transfer", () => {
  it('of the coin halts the wallet and calls a person, once', async () => {
    const to = recipient();
    const txHash = await foreign({ to, value: 5n });
    const comparison = await compared();
    expect(comparison).toMatchObject({ stopped: true, counts: { stranger: 1 }, findings: [{ kind: 'stranger', txHash, logIndex: -1, tokenAddress: null, to, amount: '5' }] });
    expect(await getWallet(db(), chainId, bench.wallet)).toMatchObject({ status: 'HALTED', statusReason: 'engine: STRANGER_TRANSFER' });
    expect(await openAlerts()).toEqual([{ kind: 'STRANGER_TRANSFER', subject: txHash }]);
    expect((await rows()).at(-1)).toMatchObject({ transfers: 1, matched: 0, strangers: 1 });
    // The cursor went on, and a person's word on a wallet stands: asked again, the same transfer shows and stops nobody.
    await setWalletStatus(db(), chainId, bench.wallet, 'ACTIVE', null);
    expect(await compare()).toEqual({ kind: 'up-to-date' });
    expect(await compared({ fromBlock: comparison.from })).toMatchObject({ stopped: false, findings: [{ kind: 'stranger', txHash }] });
    expect(await status()).toBe('ACTIVE');
  });

  it('of a token halts it, whether the key or an allowance was used', async () => {
    const thief = await somebody(rpc);
    const byKey = await foreign({ to: usdc, data: token('transfer', thief, 7n) });
    expect(await compared()).toMatchObject({ stopped: true, findings: [{ kind: 'stranger', txHash: byKey, tokenAddress: usdc, to: thief, amount: '7' }] });
    await setWalletStatus(db(), chainId, bench.wallet, 'ACTIVE', null);

    await foreign({ to: usdc, data: token('approve', thief, 9n) });
    // A foreign transaction that moves nothing costs a nonce only.
    await clean();
    expect(await status()).toBe('ACTIVE');
    const byAllowance = await sendAs(rpc, { from: thief, to: usdc, data: token('transferFrom', bench.wallet, thief, 9n) });
    await bench.mine(FINAL);
    expect(await compared()).toMatchObject({ stopped: true, findings: [{ kind: 'stranger', txHash: byAllowance, amount: '9' }] });
    expect(await status()).toBe('HALTED');
  });

  it('is none where nothing moved: failed, to itself, faked by an unknown contract, or of an amount of zero', async () => {
    const stranger = await somebody(rpc);
    const fake = await deployFakeToken(rpc);
    await foreign({ to: bench.wallet, value: 5n });
    const refusing = recipient();
    await rpc.call('anvil_setCode', [refusing, '0xfe']);
    await foreign({ to: refusing, value: 5n });
    await sendAs(rpc, { from: stranger, to: fake, data: fakeTransfer(bench.wallet, stranger, 1_000n) });
    await sendAs(rpc, { from: stranger, to: usdc, data: token('transferFrom', bench.wallet, stranger, 0n) });
    await bench.mine(FINAL);
    expect(await compared()).toMatchObject({ findings: [], stopped: false, counts: { ignored: 2, stranger: 0 } });
    expect((await rows()).at(-1)).toMatchObject({ transfers: 0, strangers: 0 });
    expect(await status()).toBe('ACTIVE');
    // The same log by the wallet's own hand: the key was used.
    await foreign({ to: fake, data: fakeTransfer(bench.wallet, stranger, 1_000n) });
    expect(await compared()).toMatchObject({ stopped: true, counts: { stranger: 1 } });
  });

  it('is seen behind a payment that holds the cursor, and stops the wallet once', async () => {
    const open = await bench.funded();
    await send(bench, open);
    await bench.mine();
    const txHash = await foreign({ to: recipient(), value: 5n });
    expect(await compared()).toMatchObject({ stopped: true, counts: { 'in-progress': 1, stranger: 1 } });
    await setWalletStatus(db(), chainId, bench.wallet, 'ACTIVE', null);
    await book(bench, open);
    expect(await compared()).toMatchObject({ stopped: false, findings: [{ txHash }], counts: { matched: 1, stranger: 1 } });
    expect(await status()).toBe('ACTIVE');
    expect((await rows()).at(-1)).toMatchObject({ strangers: 1 });
  });
});

describe('a treasury movement', () => {
  it('is recognised as one transfer exactly; its twin is a stranger', async () => {
    const vault = recipient();
    const id = await declare({ counterparty: vault });
    await declare({ counterparty: vault, direction: 'IN' });
    const sweep = await foreign({ to: usdc, data: token('transfer', vault, AMOUNT) });
    expect(await compared()).toMatchObject({ findings: [], counts: { declared: 1 } });
    expect(await listMovements(db(), chainId)).toContainEqual(expect.objectContaining({ id, txHash: sweep }));
    expect(await listMovements(db(), chainId, { open: true })).toMatchObject([{ direction: 'IN' }]);
    expect((await rows()).at(-1)).toMatchObject({ transfers: 1, matched: 1 });
    const twin = await foreign({ to: usdc, data: token('transfer', vault, AMOUNT) });
    expect(await compared()).toMatchObject({ stopped: true, findings: [{ kind: 'stranger', txHash: twin }] });
  });

  it('of the coin is recognised too', async () => {
    const vault = recipient();
    await declare({ tokenAddress: null, amount: 12n, counterparty: vault });
    await foreign({ to: vault, value: 12n });
    expect(await compared()).toMatchObject({ findings: [], counts: { declared: 1 } });
  });

  it('declared too late is a stranger, until a person asks for the blocks again; the wallet stays halted', async () => {
    const vault = recipient();
    const txHash = await foreign({ to: usdc, data: token('transfer', vault, AMOUNT) });
    await declare({ counterparty: vault }, new Date(Date.now() + 86_400_000));
    const { from, ...first } = await compared();
    expect(first).toMatchObject({ stopped: true, findings: [{ kind: 'stranger', txHash }] });
    // Only a look: nothing is marked or closed.
    expect(await compared({ fromBlock: from, acceptLateDeclarations: true, dryRun: true })).toMatchObject({ findings: [], counts: { declared: 1 } });
    expect(await openAlerts()).toEqual([{ kind: 'STRANGER_TRANSFER', subject: txHash }]);
    expect(await compared({ fromBlock: from, acceptLateDeclarations: true })).toMatchObject({ findings: [], counts: { declared: 1 } });
    expect(await openAlerts()).toEqual([]);
    expect(await status()).toBe('HALTED');
    // From now on it is what it was recognised as, also by the strict rule.
    expect(await compared({ fromBlock: from })).toMatchObject({ findings: [], counts: { declared: 1 } });
  });
});

describe('books that were changed', () => {
  const change = (id: string, set: Partial<typeof withdrawalRequests.$inferInsert>) => db().update(withdrawalRequests).set(set).where(eq(withdrawalRequests.requestId, id));

  it('show: another amount, another log, another transaction', async () => {
    const payment = await paid();
    const original = await bench.engine.row(payment.id);
    await bench.mine(FINAL);
    for (const [set, finding] of [
      [{ amount: AMOUNT - 1n }, { kind: 'mismatch', reason: 'booked-differently' }],
      [{ toAddress: recipient() }, { kind: 'mismatch', reason: 'booked-differently' }],
      [{ paidLogIndex: 77 }, { kind: 'missing' }],
      [{ paidTxHash: `0x${'ab'.repeat(32)}` as const }, { kind: 'missing' }],
    ] as const) {
      await change(payment.id, set);
      const { findings, stopped } = await compared({ fromBlock: payment.blockNumber });
      expect(findings).toContainEqual(expect.objectContaining({ ...finding, requestId: payment.id }));
      expect(stopped).toBe(true);
      expect(await openAlerts()).toContainEqual({ kind: 'PAYMENT_MISSING', subject: payment.id });
      // Set right again, and compared again, nobody is called any more.
      const { amount, toAddress, paidLogIndex, paidTxHash } = original;
      await change(payment.id, { amount, toAddress, paidLogIndex, paidTxHash });
      await setWalletStatus(db(), chainId, bench.wallet, 'ACTIVE', null);
      expect(await compared({ fromBlock: payment.blockNumber })).toMatchObject({ findings: [] });
      expect(await openAlerts()).toEqual([]);
    }
  });

  it('show: a payment that is booked as unpaid, and one whose withdrawal is gone', async () => {
    const payment = await paid();
    const original = await bench.engine.row(payment.id);
    await bench.mine(FINAL);
    await change(payment.id, { status: 'CANCELLED', paidTxHash: null, paidLogIndex: null });
    expect(await compared({ fromBlock: payment.blockNumber })).toMatchObject({ stopped: true, findings: [{ kind: 'mismatch', reason: 'booked-unpaid', requestId: payment.id }] });
    await db().delete(withdrawalRequests).where(eq(withdrawalRequests.requestId, payment.id));
    expect((await compared({ fromBlock: payment.blockNumber })).findings).toMatchObject([{ kind: 'stranger', txHash: payment.txHash }, { kind: 'missing', requestId: payment.id }]);
    expect(await compared()).toMatchObject({ counts: { stranger: 1, missing: 1 } });
    expect((await rows()).at(-1)).toMatchObject({ strangers: 1, missing: 1 });
    // Put back: the signer counts every signed withdrawal, and signs nothing more for a client one of whose is gone.
    await db().insert(withdrawalRequests).values(original);
  });
});

describe('a chain that answers badly', () => {
  const answering = (method: string, answer: (params: readonly unknown[], real: () => Promise<unknown>) => Promise<unknown>): Rpc => {
    const through = async <T>(called: string, params: readonly unknown[]): Promise<T> => (called === method ? ((await answer(params, () => rpc.call(called, params))) as T) : rpc.call<T>(called, params));
    return rpcThrough(chainId, through);
  };

  it('is asked in smaller ranges where it refuses a large one', async () => {
    const payments = [await paid(), await paid()];
    await bench.mine(20);
    const widths: number[] = [];
    const narrow = answering('eth_getLogs', async ([filter], real) => {
      const { fromBlock, toBlock } = filter as { fromBlock: string; toBlock: string };
      const width = Number(toBlock) - Number(fromBlock) + 1;
      if (width > 4) throw new RpcAnswerError('eth_getLogs', { code: -32600, message: 'You can make eth_getLogs requests with up to a 4 block range' });
      widths.push(width);
      return real();
    });
    const comparison = await compared({}, narrow);
    expect(comparison).toMatchObject({ findings: [], counts: { matched: payments.length } });
    expect(widths.reduce((sum, width) => sum + width, 0)).toBe(comparison.to - comparison.from + 1);
  });

  it('halts nothing for a log query that leaves a payment out: its receipt is there', async () => {
    await paid();
    await bench.mine(FINAL);
    const cursor = await lastCompared(db(), chainId, bench.wallet);
    const forgetful = answering('eth_getLogs', async () => []);
    await expect(compare({}, forgetful)).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
    await expect(makeReconcileWallet({ ...bench.ports, rpc: forgetful })({ walletAddress: bench.wallet })).rejects.toMatchObject({ type: 'CHAIN_UNAVAILABLE' });
    expect(await lastCompared(db(), chainId, bench.wallet)).toBe(cursor);
    expect(await status()).toBe('ACTIVE');
    await clean();
  });

  it('reads the blocks themselves where the node keeps no old states', async () => {
    const payment = await paid();
    await bench.mine(FINAL);
    const pruned = answering('eth_getTransactionCount', () => Promise.reject(new RpcAnswerError('eth_getTransactionCount', { code: -32000, message: 'missing trie node' })));
    const comparison = await compared({}, pruned);
    expect(comparison).toMatchObject({ findings: [], counts: { matched: 1 } });
    expect(comparison.to).toBeGreaterThanOrEqual(payment.blockNumber);
  });

  it('leaves the cursor alone when it cannot say what is final, or refuses', async () => {
    await bench.mine(FINAL);
    const cursor = await lastCompared(db(), chainId, bench.wallet);
    const unsure = answering('eth_getBlockByNumber', ([block], real) => (block === 'finalized' ? Promise.resolve(null) : real()));
    await expect(compare({}, unsure)).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
    const refusing = answering('eth_getLogs', () => Promise.reject(new RpcAnswerError('eth_getLogs', { code: -32000, message: 'not today' })));
    await expect(makeReconcileWallet({ ...bench.ports, rpc: refusing })({ walletAddress: bench.wallet })).rejects.toMatchObject({ type: 'CHAIN_UNAVAILABLE' });
    expect(await lastCompared(db(), chainId, bench.wallet)).toBe(cursor);
  });
});

describe('a comparison', () => {
  it('that only looks writes nothing', async () => {
    const txHash = await foreign({ to: recipient(), value: 5n });
    const before = await rows();
    expect(await compared({ dryRun: true })).toMatchObject({ recordedTo: null, stopped: false, findings: [{ txHash }] });
    expect(await rows()).toEqual(before);
    expect(await status()).toBe('ACTIVE');
    expect(await openAlerts()).toEqual([]);
  });

  it('waits while the books are known to be behind', async () => {
    await foreign({ to: recipient(), value: 5n });
    const halt = { scope: 'GLOBAL', target: EVERYTHING, kind: 'RECOVERY' } as const;
    await setHalt(db(), { ...halt, reason: 'test', setBy: 'test' });
    expect(await compare()).toEqual({ kind: 'books-behind' });
    expect(await makeReconcileWallet(bench.ports)({ walletAddress: bench.wallet })).toMatchObject({ outcome: 'books-behind', recordedTo: null });
    expect(await status()).toBe('ACTIVE');
    expect(await compared({ dryRun: true })).toMatchObject({ counts: { stranger: 1 } });
    await liftHalt(db(), halt);
    expect(await compared()).toMatchObject({ stopped: true });
  });

  it('begins with the block that was the first when the wallet came', async () => {
    const txHash = await foreign({ to: recipient(), value: 5n });
    const past = await head();
    await rpc.call('evm_increaseTime', [60]);
    await bench.mine(FINAL);
    const header = await rpc.call<{ timestamp: string }>('eth_getBlockByNumber', [`0x${(past + 1).toString(16)}`, false]);
    await db().delete(reconciliations);
    const { createdAt: original } = await getWallet(db(), chainId, bench.wallet);
    const set = (seconds: number) => db().update(wallets).set({ createdAt: new Date(seconds * 1_000) }).where(and(eq(wallets.chainId, chainId), eq(wallets.address, bench.wallet)));
    await set(Number(header.timestamp) + 86_400);
    expect(await compare()).toEqual({ kind: 'up-to-date' });
    // What it did before it came is not the engine's.
    await set(Number(header.timestamp));
    expect(await compared()).toMatchObject({ from: past + 1, findings: [] });
    await db().update(wallets).set({ createdAt: original });
    expect((await compared({ fromBlock: past - FINAL })).findings).toMatchObject([{ kind: 'stranger', txHash }]);
  });

  it('of a whole life needs no hint: a foreign transaction is found by halving', async () => {
    const hashes: string[] = [];
    for (let index = 0; index < 3; index += 1) hashes.push(await foreign({ to: recipient(), value: 5n }));
    const own = await paid();
    await bench.mine(FINAL);
    const from = Math.max(0, (await head()) - 1_500);
    await db().delete(signedTransactions).where(eq(signedTransactions.requestId, own.id));
    const { findings, counts } = await compared({ fromBlock: from });
    expect(findings.map((finding) => finding.txHash)).toEqual(expect.arrayContaining(hashes));
    // Its booking names it, without any bytes of ours.
    expect(findings.map((finding) => finding.txHash)).not.toContain(own.txHash);
    expect(counts.matched).toBeGreaterThan(0);
  });

  it('calls a person for a nonce no transaction used, and for code at the address', async () => {
    const nonce = await bench.chainNonce();
    await rpc.call('anvil_setNonce', [bench.wallet, `0x${(nonce + 1).toString(16)}`]);
    await bench.mine(FINAL);
    expect(await compared()).toMatchObject({ stopped: true, findings: [{ kind: 'nonce', reason: `nonce ${nonce}` }] });
    await setWalletStatus(db(), chainId, bench.wallet, 'ACTIVE', null);
    await rpc.call('anvil_setCode', [bench.wallet, `0xef0100${'11'.repeat(20)}`]);
    await bench.mine(FINAL);
    expect(await compared()).toMatchObject({ stopped: true, findings: [{ kind: 'delegated' }] });
    await rpc.call('anvil_setCode', [bench.wallet, '0x']);
  });
});
