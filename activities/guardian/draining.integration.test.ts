import { Wallet } from 'ethers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listOpenAlerts } from '../../db/repositories/operations/alerts.ts';
import { getWallet, setWalletStatus } from '../../db/repositories/wallets/wallets.ts';
import { fillerIdOf, NOTHING_SEEN, type GuardianMemory } from '../../domain/guardian.ts';
import { startBench, type Bench } from '../activities.testkit.ts';
import { makeReserveFunds } from '../reserve-funds.ts';
import { makeSignFiller } from '../sign-filler.ts';
import { takeNonce } from '../take-nonce.ts';
import { makeInspectWallet } from './inspect-wallet.ts';

let bench: Bench;
let memory: GuardianMemory;
beforeEach(async () => {
  bench = await startBench({ settings: (settings) => ({ ...settings, chain: { ...settings.chain, finality: { mode: 'depth', depth: 2 } } }) });
  memory = NOTHING_SEEN;
});
afterEach(() => bench.engine.stop());

const chainId = () => bench.engine.chain.chainId;
const drain = () => setWalletStatus(bench.ports.db, chainId(), bench.wallet, 'DRAINING', 'test');
const status = async () => (await getWallet(bench.ports.db, chainId(), bench.wallet)).status;
const alerts = async () => (await listOpenAlerts(bench.ports.db, bench.wallet)).map(({ kind }) => kind);
async function look() {
  const seen = await makeInspectWallet(bench.ports)({ chainId: chainId(), walletAddress: bench.wallet, memory });
  ({ memory } = seen);
  return seen;
}

it('a draining wallet signs and sends what it is bound to, replaces and voids it, and is bound to nothing new', async () => {
  const [paid, voided] = [await bench.funded(), await bench.funded()];
  await drain();
  expect(await bench.sign({ requestId: paid, mode: 'pay' })).toMatchObject({ kind: 'signed', nonce: 0 });
  expect(await bench.broadcast({ requestId: paid })).toEqual({ kind: 'sent' });
  expect(await bench.sign({ requestId: paid, mode: 'replace' })).toMatchObject({ kind: 'signed', nonce: 0 });
  await bench.sign({ requestId: voided, mode: 'pay' });
  expect(await bench.sign({ requestId: voided, mode: 'void' })).toMatchObject({ kind: 'signed', nonce: 1 });
  await expect(makeReserveFunds(bench.ports)({ requestId: await bench.accept() })).rejects.toMatchObject({ type: 'WALLET_UNAVAILABLE' });
});

it('its gaps are filled, or what it is bound to would wait behind them', async () => {
  const gone = await bench.funded();
  await takeNonce(bench.ports, { requestId: gone, chainId: chainId(), walletAddress: bench.wallet, window: 64 });
  const behind = await bench.funded();
  await bench.sign({ requestId: behind, mode: 'pay' });
  await bench.closeUnpaid({ requestId: gone, status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'test' });
  await drain();
  const requestId = fillerIdOf(chainId(), bench.wallet, 0);
  expect((await look()).fillers).toEqual([{ requestId, ordinal: 0 }]);
  expect(await makeSignFiller(bench.ports)({ requestId, ordinal: 0 })).toMatchObject({ kind: 'signed' });
});

it('a lack of gas calls a person and does not pause it: a pause that ends would take the draining back', async () => {
  await drain();
  await bench.engine.chain.rpc.call('anvil_setBalance', [bench.wallet, '0x1']);
  await look();
  expect([await status(), await alerts()]).toEqual(['DRAINING', ['GAS_LOW']]);
  await bench.engine.chain.rpc.call('anvil_setBalance', [bench.wallet, `0x${(10n ** 20n).toString(16)}`]);
  await look();
  expect([await status(), await alerts()]).toEqual(['DRAINING', []]);
});

it('a stranger’s outflow halts it as any other', async () => {
  await takeNonce(bench.ports, { requestId: await bench.funded(), chainId: chainId(), walletAddress: bench.wallet, window: 64 });
  await drain();
  await bench.engine.chain.rpc.call('anvil_impersonateAccount', [bench.wallet]);
  await bench.engine.chain.rpc.call('eth_sendTransaction', [{ from: bench.wallet, to: Wallet.createRandom().address, value: '0x1', maxFeePerGas: '0x9184e72a000', maxPriorityFeePerGas: '0x1bf08eb000' }]);
  await bench.mine(3);
  await look();
  expect([await status(), await alerts()]).toEqual(['HALTED', ['FOREIGN_OUTFLOW']]);
});
