import { Wallet } from 'ethers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listOpenAlerts } from '../db/repositories/operations/alerts.ts';
import { declareMovement, listMovements } from '../db/repositories/wallets/treasury-movements.ts';
import { getWallet } from '../db/repositories/wallets/wallets.ts';
import { NOTHING_SEEN, type GuardianMemory } from '../domain/guardian.ts';
import type { Address } from '../domain/address.ts';
import { startBench, type Bench } from './activities.testkit.ts';
import { hexQuantity, type Hash } from './chain/blocks.ts';
import { makeInspectWallet } from './guardian/inspect-wallet.ts';
import { compareWallet } from './reconcile/compare-wallet.ts';
import { erc20 } from './reconcile/reconcile.testkit.ts';
import { takeNonce } from './take-nonce.ts';

const AMOUNT = 12_500_000n;

let bench: Bench;
let vault: Address;
let usdc: Address;
let chainId: number;
let memory: GuardianMemory;
beforeEach(async () => {
  bench = await startBench({ settings: (settings) => ({ ...settings, chain: { ...settings.chain, finality: { mode: 'depth', depth: 2 } } }) });
  ({ chainId } = bench.engine.chain);
  usdc = bench.engine.chain.tokens.TestUSDC as Address;
  vault = Wallet.createRandom().address as Address;
  memory = NOTHING_SEEN;
  // From here the books know the wallet's nonces.
  await take();
});
afterEach(() => bench.engine.stop());

async function take(): Promise<number> {
  const { nonce } = await takeNonce(bench.ports, { requestId: await bench.funded(), chainId, walletAddress: bench.wallet, window: 64 });
  return nonce;
}
async function look(): Promise<void> {
  ({ memory } = await makeInspectWallet(bench.ports)({ chainId, walletAddress: bench.wallet, memory }));
}
const declare = (fields: { amount?: bigint; tokenAddress?: Address | null; counterparty?: Address; direction?: 'IN' | 'OUT' } = {}, declaredAt = new Date()) =>
  declareMovement(bench.ports.db, { chainId, walletAddress: bench.wallet, direction: 'OUT', tokenAddress: usdc, amount: AMOUNT, counterparty: vault, reason: 'test', declaredBy: 'test', ...fields }, declaredAt);
/** A transaction of the hot wallet signed elsewhere, in a block. */
async function sent(transaction: { to: string; data?: string; value?: bigint }): Promise<Hash> {
  const { rpc } = bench.engine.chain;
  await rpc.call('anvil_impersonateAccount', [bench.wallet]);
  const hash = await rpc.call<Hash>('eth_sendTransaction', [{ from: bench.wallet, to: transaction.to, data: transaction.data ?? '0x', value: hexQuantity(transaction.value ?? 0n), gas: hexQuantity(100_000), maxFeePerGas: hexQuantity(10n ** 13n), maxPriorityFeePerGas: hexQuantity(120_000_000_000) }]);
  await rpc.call('anvil_stopImpersonatingAccount', [bench.wallet]);
  await bench.mine();
  return hash;
}
const sweep = (amount = AMOUNT, to: string = vault) => sent({ to: usdc, data: erc20.encodeFunctionData('transfer', [to, amount]) });
const status = async () => (await getWallet(bench.ports.db, chainId, bench.wallet)).status;
const alertKinds = async () => (await listOpenAlerts(bench.ports.db)).map(({ kind }) => kind);
const movements = async () => (await listMovements(bench.ports.db, chainId)).map(({ txHash }) => txHash);

describe('a declared movement, signed with the hot key elsewhere', () => {
  it('is passed over by the next signature, booked once final, and the same for the reconciliation', async () => {
    const id = await declare();
    const txHash = await sweep();
    expect(await take()).toBe(1);
    expect(await movements()).toEqual([null]);
    await bench.mine(2);
    await look();
    await look();
    expect(await listMovements(bench.ports.db, chainId)).toMatchObject([{ id, txHash, matchedAt: expect.any(Date) }]);
    expect((await bench.nonces())[0]).toMatchObject({ nonce: 0, state: 'FOREIGN', consumedBy: txHash });
    expect([await status(), await alertKinds()]).toEqual(['ACTIVE', []]);
    expect(await compareWallet(bench.ports, { walletAddress: bench.wallet, fromBlock: 0 })).toMatchObject({ findings: [], counts: { declared: 1, stranger: 0 } });
  });

  it('is recognised where the reconciliation was first, and for the coin', async () => {
    await declare({ tokenAddress: null, amount: 7n });
    const txHash = await sent({ to: vault, value: 7n });
    await bench.mine(2);
    await compareWallet(bench.ports, { walletAddress: bench.wallet });
    expect(await movements()).toEqual([txHash]);
    await look();
    expect([await status(), await alertKinds()]).toEqual(['ACTIVE', []]);
    expect((await bench.nonces())[0]).toMatchObject({ state: 'FOREIGN', consumedBy: txHash });
  });

  it('explains one transaction: its twin halts the wallet, in the same look or in a later one', async () => {
    await declare();
    const first = await sweep();
    await bench.mine(2);
    await look();
    expect(await status()).toBe('ACTIVE');
    const twin = await sweep();
    await bench.mine(2);
    await look();
    expect([await status(), await alertKinds(), await movements()]).toEqual(['HALTED', ['FOREIGN_OUTFLOW'], [first]]);
    expect((await listOpenAlerts(bench.ports.db))[0]).toMatchObject({ detail: { txHash: twin } });
  });

  it('explains one transaction where the next signature sees two', async () => {
    await declare();
    await sweep();
    await sweep();
    await expect(take()).rejects.toMatchObject({ code: 'WALLET_UNAVAILABLE' });
    expect([await status(), await alertKinds()]).toEqual(['HALTED', ['FOREIGN_OUTFLOW']]);
  });

  it('explains one transaction where the guardian sees two at once', async () => {
    await declare();
    const first = await sweep();
    await sweep();
    await bench.mine(2);
    await look();
    expect([await status(), await movements()]).toEqual(['HALTED', [first]]);
  });

  it('that was undone by the chain moved nothing, and still waits for its transfer', async () => {
    const stock = 10n ** 30n;
    await declare({ amount: stock });
    await sweep(stock);
    await bench.mine(2);
    await look();
    expect([await status(), await movements()]).toEqual(['ACTIVE', [null]]);
  });
});

describe('what was not declared exactly', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['another amount', () => declare({ amount: AMOUNT + 1n })],
    ['another token', () => declare({ tokenAddress: bench.engine.chain.tokens.TestUSDT as Address })],
    ['another counterparty', () => declare({ counterparty: Wallet.createRandom().address as Address })],
    ['the other direction', () => declare({ direction: 'IN' })],
    ['only afterwards', () => declare({}, new Date(Date.now() + 120_000))],
  ])('(%s) halts the wallet, at the next signature', async (_, declared) => {
    await declared();
    await sweep();
    await expect(take()).rejects.toMatchObject({ code: 'WALLET_UNAVAILABLE' });
    expect([await status(), await movements()]).toEqual(['HALTED', [null]]);
  });

  it('halts the wallet at the final block too: a call that only looks like it', async () => {
    await declare();
    // The right words to the wrong contract.
    await sent({ to: vault, data: erc20.encodeFunctionData('transfer', [vault, AMOUNT]) });
    await bench.mine(2);
    await look();
    expect([await status(), await alertKinds(), await movements()]).toEqual(['HALTED', ['FOREIGN_OUTFLOW'], [null]]);
  });
});
