import { Contract, Wallet } from 'ethers';
import { eq } from 'drizzle-orm';
import { afterEach, describe, expect, it } from 'vitest';
import { erc20, sendAs } from '../../activities/reconcile/reconcile.testkit.ts';
import { compileContracts } from '../../activities/chain/contracts/compile.ts';
import { listOpenAlerts } from '../../db/repositories/operations/alerts.ts';
import { commitCancelIntent } from '../../db/repositories/withdrawals/cancel-intent.ts';
import { listReconciliations } from '../../db/repositories/operations/reconciliations.ts';
import { listMovements } from '../../db/repositories/wallets/treasury-movements.ts';
import { getWallet } from '../../db/repositories/wallets/wallets.ts';
import { withdrawalRequests } from '../../db/schema/index.ts';
import { exitCodeOf } from '../../scripts/reconcile/failure.ts';
import { runReconcile } from '../../scripts/reconcile/run.ts';
import { chainClient, treasury } from '../../scripts/sandbox/chain-client.ts';
import * as treasuryCommands from '../../scripts/treasury/commands.ts';
import { ensureReconcileSchedule, RECONCILE_SCHEDULE_ID } from '../../temporal-config/reconcile-schedule.ts';
import { withoutLimits } from '../harness/policies.ts';
import { startEngine, type EngineOptions, type TestEngine } from '../harness/engine.ts';
import { payIn } from '../harness/tokens.ts';
import { runScript, type Ended } from '../harness/run-script.ts';

const AMOUNT = 3_000_000n;
const WAIT = { timeout: 60_000, interval: 200 };

let engine: TestEngine;
afterEach(() => engine.stop());

const start = async (options: EngineOptions = {}) => {
  engine = await startEngine(options);
};
const db = () => engine.database.db;
const usdc = () => engine.chain.tokens.TestUSDC;
const person = () => Wallet.createRandom().address;
const accept = (currency = 'USDC', amount = AMOUNT) => engine.accept({ currency, toAddress: person(), amount });
const statusOf = async (wallet: string) => (await getWallet(db(), engine.chain.chainId, wallet)).status;
const comparisons = (wallet: string) => listReconciliations(db(), engine.chain.chainId, wallet);
const head = async () => Number(await engine.chain.rpc.call<string>('eth_blockNumber', []));
const alerts = async () => (await listOpenAlerts(db())).map(({ kind, subject }) => ({ kind, subject }));
/** waits until the schedule's runs have compared everything up to now */
async function caughtUp(): Promise<void> {
  const now = await head();
  for (const wallet of engine.wallets) await expect.poll(async () => (await comparisons(wallet)).at(-1)?.toBlock ?? 0, WAIT).toBeGreaterThanOrEqual(now);
}
/** every block once, in one row */
async function expectGapless(wallet: string): Promise<void> {
  const rows = await comparisons(wallet);
  for (const [index, row] of rows.slice(1).entries()) expect(row.fromBlock).toBe((rows[index]?.toBlock ?? 0) + 1);
}

/** the real command, on this engine's database and chain */
const command = (script: 'reconcile' | 'treasury', ...args: string[]): Promise<Ended> => runScript(`${script}.ts`, args, { DATABASE_URL: engine.database.url, POLYGON_RPC_URL: engine.chain.url });

describe('the schedule', () => {
  it('compares every wallet again and again; a stranger halts its wallet only, and the other goes on paying', async () => {
    await start({ wallets: 2 });
    await ensureReconcileSchedule(engine.client, 1_000);
    await ensureReconcileSchedule(engine.client, 1_000);
    const [hurt = '', sound = ''] = engine.wallets;
    const paid = await Promise.all([accept(), accept('USDT'), accept('POL', 10n ** 16n), accept()]);
    for (const id of paid) await engine.until(id, ['COMPLETED']);
    await caughtUp();
    const transfers = async () => (await Promise.all(engine.wallets.map(comparisons))).flat().reduce((sum, row) => sum + row.transfers, 0);
    expect(await transfers()).toBe(paid.length);
    expect(await alerts()).toEqual([]);

    // By the key: the coin. By an allowance: a token. Each halts its own wallet.
    const txHash = await sendAs(engine.chain.rpc, { from: hurt, to: person(), value: 5n });
    await expect.poll(() => statusOf(hurt), WAIT).toBe('HALTED');
    expect(await alerts()).toEqual([{ kind: 'STRANGER_TRANSFER', subject: txHash }]);
    expect(await statusOf(sound)).toBe('ACTIVE');
    const later = await Promise.all([accept(), accept()]);
    for (const id of later) expect(await engine.until(id, ['COMPLETED'])).toMatchObject({ walletAddress: sound });
    await caughtUp();
    expect(await statusOf(sound)).toBe('ACTIVE');
    expect(await transfers()).toBe(paid.length + later.length + 1);
    for (const wallet of engine.wallets) await expectGapless(wallet);
    expect(await command('reconcile', '--from', '0')).toMatchObject({ code: 1, err: '', out: expect.stringContaining(txHash) });
  });

  it('takes a changed interval, and stays paused for whoever paused it', async () => {
    await start({ workers: false });
    await ensureReconcileSchedule(engine.client, 60_000);
    const handle = engine.client.schedule.getHandle(RECONCILE_SCHEDULE_ID);
    const every = async () => (await handle.describe()).spec.intervals?.map((interval) => interval.every);
    expect(await every()).toEqual([60_000]);
    await handle.pause('by hand');
    await ensureReconcileSchedule(engine.client, 30_000);
    expect(await every()).toEqual([30_000]);
    expect((await handle.describe()).state.paused).toBe(true);
  });
});

describe('after hard days', () => {
  it('everything is explained: a replaced payment, a cancelled withdrawal, one that arrived short', async () => {
    await start({ settings: (settings) => ({ ...withoutLimits(settings), chain: { ...settings.chain, stuckAfterBlocks: 3 } }) });
    const { proxy, chain } = engine;
    proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    const stuck = await accept();
    await engine.until(stuck, ['BROADCASTING']);
    const [first] = await db().query.signedTransactions.findMany();
    await chain.rpc.call('anvil_setNextBlockBaseFeePerGas', [`0x${((first?.maxFeePerGas ?? 0n) * 3n).toString(16)}`]);
    proxy.inject({ kind: 'pass' });
    await engine.until(stuck, ['COMPLETED'], 90_000);
    expect((await db().query.signedTransactions.findMany()).length).toBeGreaterThan(1);

    const wallet = await getWallet(db(), chain.chainId, engine.wallets[0] ?? '');
    // More than the wallet has: it waits, and is cancelled.
    const cancelled = await accept('USDC', 20_000_000_000_000n);
    await engine.until(cancelled, ['AWAITING_FUNDS']);
    await commitCancelIntent(db(), cancelled, 'all', new Date());
    await engine.handle(cancelled).signal('cancel');
    await engine.until(cancelled, ['CANCELLED']);

    await payIn(engine, 'USDC', 'TestFeeToken');
    const short = await accept();
    expect(await engine.until(short, ['DEAD_LETTERED'])).toMatchObject({ errorCode: 'PAYMENT_MISMATCH' });

    // Final blocks trail the head by a few.
    await chain.rpc.call('anvil_mine', ['0x4']);
    const looked = await command('reconcile', '--from', '0', '--dry-run', '--json');
    expect(looked).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(looked.out)).toMatchObject({ wallets: [{ wallet: wallet.address, findings: [], stopped: false, counts: { matched: 1, parked: 1, extra: 1, stranger: 0, missing: 0 } }] });
    expect(await comparisons(wallet.address)).toEqual([]);
    const done = await command('reconcile');
    expect(done).toMatchObject({ code: 0, err: '' });
    expect(done.out).toMatch(/in progress.*strangers/);
    expect((await comparisons(wallet.address)).at(-1)).toMatchObject({ transfers: 3, matched: 3, strangers: 0, missing: 0 });
  });
});

describe('by hand', () => {
  it('a declared sweep is recognised once, its twin and an allowance are not, a changed payment is found, and only a person resumes', async () => {
    await start();
    const [wallet = ''] = engine.wallets;
    const payment = await accept();
    const { paidTxHash } = await engine.until(payment, ['COMPLETED']);
    const vault = person();
    const movement = ['declare', '--wallet', wallet, '--direction', 'out', '--currency', 'USDC', '--amount', '12.5', '--counterparty', vault, '--reason', 'to the vault', '--by', 'alice'];
    expect(await command('treasury', ...movement)).toMatchObject({ code: 0, err: '', out: expect.stringContaining('12.5 USDC') });
    const sweep = () => sendAs(engine.chain.rpc, { from: wallet, to: usdc(), data: erc20.encodeFunctionData('transfer', [vault, 12_500_000n]) });
    const declared = await sweep();
    const settle = async () => {
      const mined = await head();
      await engine.chain.rpc.call('anvil_mine', ['0x5']);
      return mined;
    };
    await engine.chain.rpc.call('anvil_mine', ['0x1']);
    await settle();
    expect(await command('reconcile')).toMatchObject({ code: 0, err: '' });
    expect(await listMovements(db(), engine.chain.chainId)).toMatchObject([{ txHash: declared, declaredBy: 'alice', direction: 'OUT', amount: 12_500_000n }]);
    expect(await command('treasury', 'list')).toMatchObject({ code: 0, err: '', out: expect.stringContaining(`recognised as ${declared}`) });

    const twin = await sweep();
    const thief = treasuryAddress();
    await sendAs(engine.chain.rpc, { from: wallet, to: usdc(), data: erc20.encodeFunctionData('approve', [thief, 9n]) });
    await engine.chain.rpc.call('anvil_mine', ['0x1']);
    const byAllowance = await transferFrom(wallet, person(), 9n);
    await settle();
    const found = await command('reconcile', '--json');
    expect(found).toMatchObject({ code: 1, err: '' });
    const { wallets } = JSON.parse(found.out) as { wallets: { findings: { kind: string; txHash: string }[]; stopped: boolean }[] };
    expect(wallets).toMatchObject([{ stopped: true, findings: [{ kind: 'stranger', txHash: twin }, { kind: 'stranger', txHash: byAllowance }] }]);
    expect(await statusOf(wallet)).toBe('HALTED');

    // A person may say afterwards what the twin was; the wallet is theirs to resume.
    expect(await treasuryCommands.declare(treasuryContext(), { wallet, direction: 'out', currency: 'USDC', amount: '12.5', counterparty: vault, reason: 'to the vault' })).toBe(0);
    const again = await command('reconcile', '--from', '0');
    expect(again).toMatchObject({ code: 1, out: expect.stringContaining(byAllowance) });
    expect(again.out).not.toContain(twin);
    expect(await alerts()).toEqual([{ kind: 'STRANGER_TRANSFER', subject: byAllowance }]);
    expect(await statusOf(wallet)).toBe('HALTED');

    // Somebody makes the books claim another payment.
    await db().update(withdrawalRequests).set({ paidTxHash: `0x${'cd'.repeat(32)}` }).where(eq(withdrawalRequests.requestId, payment));
    const [forged] = await runReconcile(engine.ports, { fromBlock: 0, wallet, dryRun: false });
    expect(forged?.findings).toContainEqual(expect.objectContaining({ kind: 'missing', requestId: payment }));
    expect(forged?.findings).toContainEqual(expect.objectContaining({ kind: 'mismatch', reason: 'paid-twice', txHash: paidTxHash }));
    expect(await alerts()).toContainEqual({ kind: 'PAYMENT_MISSING', subject: payment });
  });

  it('refuses what it does not understand', async () => {
    await start({ workers: false });
    const [wallet = ''] = engine.wallets;
    const told = (name: string) => expect.stringMatching(new RegExp(`^${name}: [^\n]+\n$`));
    expect(await command('reconcile', '--from', 'x')).toMatchObject({ code: 2, out: '', err: told('reconcile') });
    expect(await command('reconcile', '--nonsense')).toMatchObject({ code: 2, out: '', err: told('reconcile') });
    expect(await command('reconcile', '--help')).toMatchObject({ code: 0, err: '', out: expect.stringContaining('--dry-run') });
    expect(await command('treasury')).toMatchObject({ code: 2, out: expect.stringContaining('declare') });
    expect(await command('treasury', 'spend')).toMatchObject({ code: 2, out: '', err: told('treasury') });
    await expect(runReconcile(engine.ports, { wallet: person(), dryRun: true })).rejects.toThrow(/no hot wallet/);

    const context = treasuryContext();
    const movement = { wallet, direction: 'out', currency: 'USDC', amount: '1', counterparty: person(), reason: 'test' };
    for (const wrong of [{ wallet: person() }, { direction: 'sideways' }, { currency: 'DOGE' }, { amount: '-1' }, { amount: '0.0000001' }, { counterparty: wallet }, { counterparty: 'x' }, { reason: ' ' }]) {
      const failure: unknown = await treasuryCommands.declare(context, { ...movement, ...wrong }).then(
        () => null,
        (error: unknown) => error,
      );
      expect(exitCodeOf(failure)).toBe(2);
    }
    expect(await listMovements(db(), engine.chain.chainId)).toEqual([]);
    expect(await treasuryCommands.declare(context, { ...movement, direction: 'in' })).toBe(0);
    const [{ id } = { id: 0 }] = await listMovements(db(), engine.chain.chainId, { open: true });
    expect(await treasuryCommands.list(context, { open: true })).toBe(0);
    expect(context.lines.at(-1)).toMatch(new RegExp(`^${id} IN 1 USDC 0x.* → ${wallet}, declared .*: test$`));
    expect(await treasuryCommands.revoke(context, { id: String(id) })).toBe(0);
    expect(await treasuryCommands.revoke(context, { id: String(id) })).toBe(1);
    await expect(treasuryCommands.revoke(context, { id: 'x' })).rejects.toThrow(/--id/);
    expect(await treasuryCommands.list(context, {})).toBe(0);
    expect(context.lines.at(-1)).toBe('no movements');
  });
});

function treasuryContext() {
  const lines: string[] = [];
  return { db: db(), chain: engine.settings.chain, print: (line: string) => lines.push(line), lines };
}

function treasuryAddress(): string {
  const provider = chainClient(engine.chain.url, engine.chain.chainId);
  provider.destroy();
  return treasury(provider).address;
}

/** the treasury account, using an allowance of the hot wallet's */
async function transferFrom(wallet: string, to: string, amount: bigint): Promise<string> {
  const provider = chainClient(engine.chain.url, engine.chain.chainId);
  try {
    const token = new Contract(usdc(), [...(await compileContracts()).TestUSDC.abi], treasury(provider));
    const sent = (await token.getFunction('transferFrom').send(wallet, to, amount)) as { hash: string; wait(): Promise<unknown> };
    await sent.wait();
    return sent.hash;
  } finally {
    provider.destroy();
  }
}
