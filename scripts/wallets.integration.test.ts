import { eq } from 'drizzle-orm';
import { Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeReserveFunds } from '../activities/reserve-funds.ts';
import { takeNonce } from '../activities/take-nonce.ts';
import { listOpenAlerts, raiseAlert } from '../db/repositories/operations/alerts.ts';
import { getWallet, setWalletStatus, stopWallet } from '../db/repositories/wallets/wallets.ts';
import { nonceReservations } from '../db/schema/index.ts';
import type { Address } from '../domain/address.ts';
import { startEngine, type TestEngine } from '../tests/harness/engine.ts';
import { runScript } from '../tests/harness/run-script.ts';


let engine: TestEngine;
let env: Record<string, string>;
let chainId: number;
let wallet: Address;
beforeAll(async () => {
  engine = await startEngine({ workers: false, wallets: 2 });
  ({ chainId } = engine.chain);
  wallet = engine.wallets[0] as Address;
  env = { DATABASE_URL: engine.database.url, POLYGON_RPC_URL: engine.chain.url, POLYGON_CHAIN_ID: String(chainId) };
});
afterAll(() => engine.stop());

const run = (args: string[], variables: Record<string, string> = env) => runScript('wallets.ts', args, variables);
const row = () => getWallet(engine.database.db, chainId, wallet);

describe('npm run wallets', () => {
  it('list shows status, reason, coins, nonces, gaps and alerts of each wallet', async () => {
    const { db } = engine.database;
    const held: string[] = [];
    // All on one wallet: which of two is chosen is by lot.
    await setWalletStatus(db, chainId, engine.wallets[1] as Address, 'PAUSED', null);
    for (let index = 0; index < 3; index += 1) {
      const requestId = await engine.accept({ currency: 'USDC', toAddress: Wallet.createRandom().address, amount: 1_000_000n, started: false });
      await makeReserveFunds(engine.ports)({ requestId });
      await takeNonce(engine.ports, { requestId, chainId, walletAddress: wallet, window: 64 });
      held.push(requestId);
    }
    await setWalletStatus(db, chainId, engine.wallets[1] as Address, 'ACTIVE', null);
    await db.update(nonceReservations).set({ state: 'FREED', liveRequestId: null }).where(eq(nonceReservations.requestId, held[1] ?? ''));
    await stopWallet(db, chainId, wallet, { status: 'PAUSED', reason: 'GAS_LOW' });
    await raiseAlert(db, { kind: 'GAS_LOW', chainId, subject: wallet });

    const { code, out } = await run(['list']);
    expect(code).toBe(0);
    const [header = '', ...lines] = out.trimEnd().split('\n');
    expect(header).toMatch(/^address +status +reason +coins +latest +pending +next +in flight +gaps +open alerts$/);
    expect(lines).toHaveLength(2);
    expect(lines.find((line) => line.startsWith(wallet))).toMatch(/ PAUSED +engine: GAS_LOW +[0-9.]+ +0 +0 +3 +0 +1 +GAS_LOW$/);
    expect(lines.find((line) => line.startsWith(engine.wallets[1] ?? ''))).toMatch(/ ACTIVE +[0-9.]+ +0 +0 +- +0$/);
  });

  it('pause, halt and resume move a wallet, and say from where', async () => {
    await setWalletStatus(engine.database.db, chainId, wallet, 'ACTIVE', null);
    expect(await run(['pause', wallet.toLowerCase(), '--reason', 'maintenance'])).toMatchObject({ code: 0, out: `${wallet} ACTIVE -> PAUSED\n` });
    expect(await row()).toMatchObject({ status: 'PAUSED', statusReason: 'pause by hand: maintenance' });
    expect(await run(['halt', wallet])).toMatchObject({ code: 0, out: `${wallet} PAUSED -> HALTED\n` });
    expect(await run(['pause', wallet])).toMatchObject({ code: 1 });
    expect(await row()).toMatchObject({ status: 'HALTED' });
    await raiseAlert(engine.database.db, { kind: 'FOREIGN_OUTFLOW', chainId, subject: wallet });
    expect(await run(['resume', wallet, '--reason', 'it was our own sweep'])).toMatchObject({ code: 0, out: `${wallet} HALTED -> ACTIVE\n` });
    expect(await row()).toMatchObject({ status: 'ACTIVE', statusReason: 'resume by hand: it was our own sweep' });
    expect((await listOpenAlerts(engine.database.db, wallet)).map(({ kind }) => kind)).not.toContain('FOREIGN_OUTFLOW');
  });

  it('drain takes no new withdrawal, is shown drained once nothing is left, and is taken back', async () => {
    const { db } = engine.database;
    const other = engine.wallets[1] as Address;
    expect(await run(['drain', other, '--reason', 'rotation'])).toMatchObject({ code: 0, out: `${other} ACTIVE -> DRAINING\n` });
    expect(await getWallet(db, chainId, other)).toMatchObject({ status: 'DRAINING', statusReason: 'drain by hand: rotation' });
    expect((await run(['list'])).out).toMatch(new RegExp(`${other} +DRAINING \\(drained\\) +drain by hand: rotation`));
    await setWalletStatus(db, chainId, wallet, 'DRAINING', null);
    expect((await run(['list'])).out).toMatch(new RegExp(`${wallet} +DRAINING +[0-9]`));
    expect(await run(['resume', other, '--reason', 'not yet'])).toMatchObject({ code: 0, out: `${other} DRAINING -> ACTIVE\n` });
    await setWalletStatus(db, chainId, other, 'PAUSED', null);
    expect(await run(['drain', other])).toMatchObject({ code: 1, out: `${other} is PAUSED: drain would weaken that\n` });
  });

  it('resume wants a typed reason, and changes nothing without one', async () => {
    await setWalletStatus(engine.database.db, chainId, wallet, 'HALTED', 'test');
    for (const args of [['resume', wallet], ['resume', wallet, '--reason', '  ']]) expect(await run(args)).toMatchObject({ code: 2, err: 'wallets: resume takes --reason: say what was looked into\n' });
    expect(await row()).toMatchObject({ status: 'HALTED' });
  });

  it('tells wrong arguments, an unknown wallet, and parts that are away apart', async () => {
    expect(await run(['--help'])).toMatchObject({ code: 0 });
    expect((await run([])).code).toBe(2);
    for (const args of [['stop'], ['pause'], ['pause', '0x12'], ['list', wallet], ['pause', wallet, 'and', 'more'], ['list', '--force']]) expect((await run(args)).code).toBe(2);
    expect((await run(['list'], { DATABASE_URL: engine.database.url })).code).toBe(2);
    expect(await run(['pause', Wallet.createRandom().address])).toMatchObject({ code: 1 });
    expect(await run(['list'], { ...env, DATABASE_URL: 'mysql://nobody:none@127.0.0.1:1/none' })).toMatchObject({ code: 3, err: 'wallets: the database cannot be reached\n' });
    const away = await run(['list'], { ...env, POLYGON_RPC_URL: 'http://127.0.0.1:1' });
    expect(away.code).toBe(3);
    expect(away.out).toContain('the chain could not be read');
    expect(away.out).toMatch(new RegExp(`${wallet} +HALTED +test +\\? +\\? +\\?`));
  });
});
