import { eq } from 'drizzle-orm';
import { Wallet, parseEther } from 'ethers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fundReservations, wallets, withdrawalRequests } from '../db/schema/index.ts';
import { settleFunds } from '../db/repositories/payments/funds.ts';
import { liftHalt, setHalt } from '../db/repositories/operations/halts.ts';
import { addWallet } from '../db/repositories/wallets/wallets.ts';
import { transact } from '../db/transact.ts';
import { parseAddress, type Address } from '../domain/address.ts';
import { interrupted, startBench, type Bench } from './activities.testkit.ts';
import { paymentCall, readTokenBalance } from './chain/erc20.ts';
import { makeReserveFunds } from './reserve-funds.ts';
import { makeSign } from './sign.ts';
import { takeNonce } from './take-nonce.ts';

const ONE_POL = parseEther('1');
const AWAY = parseAddress('0x00000000000000000000000000000000000000aa');

describe('holding funds', () => {
  let bench: Bench;
  beforeAll(async () => {
    // Balances are remembered for a "block" of a minute: each test empties the memory itself.
    bench = await startBench({ settings: (settings) => ({ ...settings, chain: { ...settings.chain, blockTimeMs: 60_000 } }) });
  });
  afterAll(() => bench.engine.stop());
  beforeEach(async () => {
    bench.engine.proxy.inject({ kind: 'pass' });
    await bench.ports.db.delete(fundReservations);
    await balance('100');
  });
  async function balance(pol: string): Promise<void> {
    await bench.engine.chain.rpc.call('anvil_setBalance', [bench.wallet, `0x${parseEther(pol).toString(16)}`]);
    await bench.engine.redis.flushdb();
  }
  const reserve = (requestId: string) => bench.reserveFunds({ requestId });

  it('holds amount and gas once, however often it is called', async () => {
    const id = await bench.accept('USDC', 5_000_000n);
    const results = await Promise.all([reserve(id), reserve(id), reserve(id)]);
    expect([...results, await reserve(id)]).toEqual(Array.from({ length: 4 }, () => ({ kind: 'reserved', walletAddress: bench.wallet, awaitsApproval: false })));
    const rows = await bench.ports.db.select().from(fundReservations);
    expect(rows).toMatchObject([{ requestId: id, amount: 5_000_000n, state: 'HELD', walletAddress: bench.wallet }]);
    expect(rows[0]?.gasWei).toBeGreaterThan(0n);
    expect(await bench.timeline(id)).toEqual(['funds reserved']);
  });

  it('lets exactly three of ten through at once where there is money for three', async () => {
    await balance('3.5');
    const ids = await Promise.all(Array.from({ length: 10 }, () => bench.accept('POL', ONE_POL)));
    const results = await Promise.all(ids.map(reserve));
    expect(results.map(({ kind }) => kind).toSorted()).toEqual([...Array.from({ length: 3 }, () => 'reserved'), ...Array.from({ length: 7 }, () => 'short')]);
    const short = ids[results.findIndex(({ kind }) => kind === 'short')] ?? '';
    expect((await bench.engine.row(short)).status).toBe('AWAITING_FUNDS');
    await balance('100');
    expect(await reserve(short)).toMatchObject({ kind: 'reserved' });
  });

  it('binds nothing to a halted wallet: another pays, or it is waited for with nothing held, not counted as missing', async () => {
    const { db } = bench.ports;
    const other = parseAddress(Wallet.createRandom().address.toLowerCase());
    await addWallet(db, { chainId: bench.engine.chain.chainId, address: other, keyId: 'none' });
    const halt = { scope: 'WALLET', target: bench.wallet, kind: 'OPERATOR' } as const;
    await setHalt(db, { ...halt, reason: 'test', setBy: 'test' });
    const id = await bench.accept('POL', ONE_POL);
    await expect(reserve(id)).rejects.toMatchObject({ type: 'HALTED', nonRetryable: false });
    expect([await bench.funds(id), (await bench.engine.row(id)).status]).toEqual([null, 'PENDING']);

    await bench.engine.chain.rpc.call('anvil_setBalance', [other, `0x${parseEther('100').toString(16)}`]);
    await bench.engine.redis.flushdb();
    expect(await reserve(id)).toMatchObject({ kind: 'reserved', walletAddress: other });
    await db.delete(wallets).where(eq(wallets.address, other));

    const next = await bench.accept('POL', ONE_POL);
    await expect(reserve(next)).rejects.toMatchObject({ type: 'HALTED' });
    await liftHalt(db, halt);
    expect(await reserve(next)).toMatchObject({ kind: 'reserved', walletAddress: bench.wallet });
  });

  it('counts a payment made after the block of a remembered balance, and not one before it', async () => {
    await balance('2.5');
    const paid = await bench.funded('POL', ONE_POL);
    const block = Number(await bench.engine.chain.rpc.call<string>('eth_blockNumber', []));
    const settle = (settledBlock: number) => transact(bench.ports.db, async (tx) => {
      await tx.update(fundReservations).set({ state: 'HELD' }).where(eq(fundReservations.requestId, paid));
      await settleFunds(tx, paid, { state: 'CONSUMED', spentAmount: ONE_POL, spentGasWei: 1n, settledBlock });
    });
    await settle(block + 1);
    expect(await reserve(await bench.accept('POL', 2n * ONE_POL))).toMatchObject({ kind: 'short', missing: 'token' });
    await settle(block);
    expect(await reserve(await bench.accept('POL', 2n * ONE_POL))).toMatchObject({ kind: 'reserved' });
  });

  it('says what is missing: the token, or gas for it', async () => {
    await balance('0');
    expect(await reserve(await bench.accept('USDC'))).toMatchObject({ kind: 'short', missing: 'gas' });
    expect(await reserve(await bench.accept('POL', ONE_POL))).toMatchObject({ kind: 'short', missing: 'token' });
  });

  it('holds nothing for a request that ended while the chain was asked', async () => {
    const id = await bench.accept();
    const rpc = interrupted(bench.ports.rpc, 'eth_estimateGas', () => bench.closeUnpaid({ requestId: id, status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'test' }));
    await expect(makeReserveFunds({ ...bench.ports, rpc })({ requestId: id })).rejects.toMatchObject({ type: 'INVALID_STATE' });
    expect(await bench.funds(id)).toBeNull();
  });

  it('is short, and not refused by the token, where the wallet has paid others since its balance was read', async () => {
    const { rpc } = bench.engine.chain;
    const id = await bench.accept('USDC', 2_000_000n);
    const { tokenAddress } = await bench.engine.row(id);
    const token = tokenAddress as Address;
    const held = await readTokenBalance(rpc, token, bench.wallet, Number(await rpc.call<string>('eth_blockNumber', [])));
    /** All of it but less than is asked for goes, in a block after the one that was read. */
    const payOthers = async () => {
      await rpc.call('anvil_impersonateAccount', [bench.wallet]);
      await rpc.call('eth_sendTransaction', [{ from: bench.wallet, to: token, data: paymentCall({ tokenAddress: token, toAddress: AWAY, amount: held - 1_999_999n }).data }]);
      await rpc.call('anvil_stopImpersonatingAccount', [bench.wallet]);
      await bench.mine();
    };
    const before = await rpc.call('evm_snapshot', []);
    const interruptedRpc = interrupted(bench.ports.rpc, 'eth_getBalance', payOthers);
    expect(await makeReserveFunds({ ...bench.ports, rpc: interruptedRpc })({ requestId: id })).toMatchObject({ kind: 'short', missing: 'token' });
    expect((await bench.engine.row(id)).status).toBe('AWAITING_FUNDS');
    await rpc.call('evm_revert', [before]);
    await bench.engine.redis.flushdb();
    expect(await reserve(id)).toMatchObject({ kind: 'reserved' });
  });

  it('waits for no funds that another run has found while this one read the chain', async () => {
    const id = await bench.accept('POL', ONE_POL);
    await balance('0');
    const rpc = interrupted(bench.ports.rpc, 'eth_getBalance', async () => {
      await balance('100');
      await bench.reserveFunds({ requestId: id });
      await takeNonce(bench.ports, { requestId: id, chainId: bench.engine.chain.chainId, walletAddress: bench.wallet, window: 64 });
    });
    expect(await makeReserveFunds({ ...bench.ports, rpc })({ requestId: id })).toMatchObject({ kind: 'short' });
    expect((await bench.engine.row(id)).status).toBe('SIGNING');
    await balance('100');
    expect(await reserve(id)).toMatchObject({ kind: 'reserved' });
  });

  it('takes nothing up again by a retry while a person’s word that it was paid stands', async () => {
    const id = await bench.funded();
    const { letterId } = await bench.park({ requestId: id, code: 'PAID_BY_HAND', class: 'unknown', reason: 'test' });
    const claimed = { status: 'DEAD_LETTERED', errorCode: 'PAID_BY_HAND' };
    expect(await reserve(id)).toEqual({ kind: 'parked' });
    for (const retried of [true, [letterId ?? 0]]) await expect(bench.reserveFunds({ requestId: id, retried })).rejects.toMatchObject({ type: 'PAID_BY_HAND', nonRetryable: true });
    expect(await bench.engine.row(id)).toMatchObject(claimed);
    // The chain has answered: not paid.
    await bench.ports.db.update(withdrawalRequests).set({ errorCode: 'PARKED' }).where(eq(withdrawalRequests.requestId, id));
    expect(await bench.reserveFunds({ requestId: id, retried: true })).toMatchObject({ kind: 'reserved' });
    expect((await bench.engine.row(id)).status).toBe('PENDING');
  });

  it('refuses for good: our own wallet, a token that is not in the registry, more than the limit', async () => {
    const own = await bench.engine.accept({ currency: 'USDC', toAddress: bench.wallet, amount: 1n, started: false });
    await expect(reserve(own)).rejects.toMatchObject({ type: 'INVALID_ADDRESS', nonRetryable: true });
    const other = await bench.accept('USDC', 1n, Wallet.createRandom().address);
    await expect(reserve(other)).rejects.toMatchObject({ type: 'UNSUPPORTED_CURRENCY', nonRetryable: true });
    const much = await bench.accept('USDC', 1_000_000_000_001n);
    expect(await reserve(much)).toEqual({ kind: 'denied', code: 'LIMIT_EXCEEDED', rule: 'per-transaction' });
    expect(await bench.ports.db.$count(fundReservations)).toBe(0);
  });

  it('is to be tried again while no node answers, and while no wallet is active', async () => {
    const id = await bench.accept();
    bench.engine.proxy.inject({ kind: 'refuse' });
    await expect(reserve(id)).rejects.toMatchObject({ type: 'CHAIN_UNAVAILABLE', nonRetryable: false });
    bench.engine.proxy.inject({ kind: 'pass' });
    await bench.ports.db.update(wallets).set({ status: 'PAUSED' });
    await expect(reserve(id)).rejects.toMatchObject({ type: 'WALLET_UNAVAILABLE', nonRetryable: false });
    await bench.ports.db.update(wallets).set({ status: 'ACTIVE' });
    expect(await reserve(id)).toMatchObject({ kind: 'reserved' });
  });

  describe('and the price of gas', () => {
    const within = (maximumGasCostWei: bigint) => makeReserveFunds({ ...bench.ports, settings: { ...bench.ports.settings, chain: { ...bench.ports.settings.chain, maximumGasCostWei: maximumGasCostWei.toString() } } });
    const baseFee = async (wei: bigint) => {
      await bench.engine.chain.rpc.call('anvil_setNextBlockBaseFeePerGas', [`0x${wei.toString(16)}`]);
      await bench.mine();
      await bench.engine.redis.flushdb();
    };

    it('gives a payment whose gas could never be paid within the settings to a person, before any nonce', async () => {
      const id = await bench.accept();
      // A token transfer takes more than 20,000 gas, and 25 gwei is the least a node takes.
      await expect(within(20_000n * 25n * 10n ** 9n)({ requestId: id })).rejects.toMatchObject({ type: 'GAS_COST_EXCEEDED', nonRetryable: true, details: [{ class: 'unknown' }] });
      expect(await bench.funds(id)).toBeNull();
      expect(await bench.noncesOf(id)).toEqual([]);
    });

    it('waits while the market is above what may be paid, and holds when it has come down', async () => {
      const id = await bench.accept();
      await baseFee(6_000n * 10n ** 9n);
      await expect(reserve(id)).rejects.toMatchObject({ type: 'CHAIN_UNAVAILABLE', nonRetryable: false });
      expect(await bench.funds(id)).toBeNull();
      await baseFee(30n * 10n ** 9n);
      expect(await reserve(id)).toMatchObject({ kind: 'reserved' });
    });

    it('signs no first attempt that the next block would not take, and takes no nonce for it', async () => {
      const id = await bench.funded();
      await baseFee(6_000n * 10n ** 9n);
      expect(await bench.sign({ requestId: id, mode: 'pay' })).toEqual({ kind: 'held' });
      expect(await bench.noncesOf(id)).toEqual([]);
      await baseFee(30n * 10n ** 9n);
      expect(await bench.sign({ requestId: id, mode: 'pay' })).toMatchObject({ kind: 'signed' });
      expect((await bench.attempts(id))[0]?.maxFeePerGas).toBeGreaterThan(30n * 10n ** 9n);
    });

    it('signs no attempt whose gas would cost more than the settings allow, replacements included', async () => {
      const id = await bench.funded();
      await bench.sign({ requestId: id, mode: 'pay' });
      const [first] = await bench.attempts(id);
      const cost = (first?.gasLimit ?? 0n) * (first?.maxFeePerGas ?? 0n);
      await bench.broadcast({ requestId: id });
      const { settings } = bench.ports;
      const capped = (maximumGasCostWei: bigint) => makeSign({ ...bench.ports, settings: { ...settings, chain: { ...settings.chain, maximumGasCostWei: maximumGasCostWei.toString() } } });
      expect(await capped((cost * 109n) / 100n)({ requestId: id, mode: 'replace' })).toEqual({ kind: 'held' });
      expect(await capped((cost * 111n) / 100n)({ requestId: id, mode: 'replace' })).toMatchObject({ kind: 'signed' });
    });
  });
});
