import { Wallet } from 'ethers';
import { afterEach, describe, expect, it } from 'vitest';
import { FEE_HOLD_MS } from '../../workflows/profiles.ts';
import { startEngine, type TestEngine } from '../harness/engine.ts';
import { paidTo } from '../harness/transfers.ts';

const GWEI = 10n ** 9n;
const AMOUNT = 3_000_000n;

let engine: TestEngine;
afterEach(() => engine.stop());

describe('a payment stuck at the fee ceiling', () => {
  it('is held and sent again as it is, now and then, and goes through when the chain takes it', async () => {
    // The first quote, twice a base fee below one gwei and a tip of 25, is below; a tenth more is not.
    engine = await startEngine({ settings: (settings) => ({ ...settings, chain: { ...settings.chain, stuckAfterBlocks: 2, maximumFeePerGasWei: (27n * GWEI).toString() } }) });
    const { rpc } = engine.chain;
    const header = () => rpc.call<{ gasLimit: string; timestamp: string }>('eth_getBlockByNumber', ['latest', false]);
    const sends = () => engine.proxy.calls.get('eth_sendRawTransaction') ?? 0;
    await rpc.call('anvil_setNextBlockBaseFeePerGas', ['0x1dcd6500']);
    const { gasLimit } = await header();
    await rpc.call('evm_setIntervalMining', [0]);
    const toAddress = Wallet.createRandom().address;
    const requestId = await engine.accept({ currency: 'USDC', toAddress, amount: AMOUNT });
    await engine.until(requestId, ['BROADCASTED']);
    // From now on, blocks without room for it.
    await rpc.call('evm_setBlockGasLimit', ['0x5208']);
    await rpc.call('evm_setIntervalMining', [1]);
    const startedAt = Number((await header()).timestamp);

    await expect.poll(sends, { timeout: 3 * FEE_HOLD_MS, interval: 500 }).toBeGreaterThan(2);
    const seconds = Number((await header()).timestamp) - startedAt;
    // Two republications are two holds apart, in the chain's own time.
    expect(seconds).toBeGreaterThanOrEqual((2 * FEE_HOLD_MS) / 1_000 - 1);
    expect(sends()).toBeLessThanOrEqual(1 + Math.ceil((seconds * 1_000) / FEE_HOLD_MS));
    expect(await engine.database.db.query.signedTransactions.findMany({ where: (table, { eq }) => eq(table.requestId, requestId) })).toMatchObject([{ ordinal: 0 }]);

    await rpc.call('evm_setBlockGasLimit', [gasLimit]);
    await engine.until(requestId, ['COMPLETED'], 90_000);
    expect(await paidTo(engine.chain, engine.chain.tokens.TestUSDC, toAddress)).toEqual({ total: AMOUNT, payments: 1 });
  });
});
