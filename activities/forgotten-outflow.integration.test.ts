import { Wallet } from 'ethers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setNextNonce } from '../db/repositories/wallets/wallets.ts';
import { treasuryMovements } from '../db/schema/index.ts';
import { transact } from '../db/transact.ts';
import type { Address } from '../domain/address.ts';
import { startEngine, type TestEngine } from '../tests/harness/engine.ts';
import { sendFromHotWallet } from '../tests/harness/foreign-transaction.ts';
import { RpcAnswerError, type Rpc } from './chain/rpc.ts';
import { readRawTransaction, readTransaction } from './chain/transactions.ts';
import { findForgottenOutflow } from './forgotten-outflow.ts';

let engine: TestEngine;
let wallet: Address;
beforeEach(async () => {
  engine = await startEngine({ workers: false });
  wallet = engine.wallets[0] as Address;
});
afterEach(() => engine.stop());

const find = () => findForgottenOutflow(engine.ports);
const knows = (nextNonce: number) => transact(engine.ports.db, (tx) => setNextNonce(tx, engine.chain.chainId, wallet, nextNonce));
async function send(nonce: number, valueWei = 0n, to?: string): Promise<string> {
  const sent = await sendFromHotWallet(engine, { nonce, valueWei, ...(to !== undefined && { to }) });
  await sent.mined();
  return sent.txHash;
}

describe('an outflow the books do not know', () => {
  it('is found behind harmless transactions, and not in a wallet that never gave out a nonce', async () => {
    await send(0);
    const txHash = await send(1, 5n, Wallet.createRandom().address);
    // An imported key has a past.
    expect(await find()).toBeNull();
    await knows(0);
    expect(await find()).toEqual({ walletAddress: wallet, nonce: 1, txHash });
    await knows(2);
    expect(await find()).toBeNull();
  });

  it('is found by a node that keeps no old states, and supposed where no node can say', async () => {
    await knows(0);
    const txHash = await send(0, 5n, Wallet.createRandom().address);
    await engine.chain.rpc.call('anvil_mine', ['0x4']);
    const lacks = (from: (block: number, head: number) => boolean): Rpc => ({
      ...engine.chain.rpc,
      async agree(method, params, pick) {
        const head = Number(await engine.chain.rpc.call<string>('eth_blockNumber', []));
        const block = Number(params.find((param) => typeof param === 'string' && /^0x[0-9a-f]{1,8}$/.test(param)));
        if (from(block, head) && method === 'eth_getTransactionCount') throw new RpcAnswerError(method, { code: -32_000, message: 'missing trie node' });
        return engine.chain.rpc.agree(method, params, pick);
      },
    });
    expect(await findForgottenOutflow({ ...engine.ports, rpc: lacks((block, head) => block < head - 2) })).toEqual({ walletAddress: wallet, nonce: 0, txHash });
    await engine.chain.rpc.call('anvil_mine', ['0x7d1']);
    expect(await findForgottenOutflow({ ...engine.ports, rpc: lacks((block, head) => block < head - 2) })).toEqual({ walletAddress: wallet, nonce: 0, txHash: null });
  });

  it('is none when a person had declared that very transfer', async () => {
    const treasury = Wallet.createRandom().address as Address;
    await knows(0);
    await send(0, 7n, treasury);
    const movement = { chainId: engine.chain.chainId, walletAddress: wallet, direction: 'OUT' as const, tokenAddress: null, counterparty: treasury, reason: 'sweep', declaredBy: 'test', declaredAt: new Date() };
    await engine.ports.db.insert(treasuryMovements).values({ ...movement, amount: 8n });
    expect(await find()).toMatchObject({ nonce: 0 });
    await engine.ports.db.insert(treasuryMovements).values({ ...movement, amount: 7n });
    expect(await find()).toBeNull();
  });

  it('shows in the bytes of a transaction, asked for or put together again, and only in bytes of that very hash', async () => {
    const txHash = (await send(0, 3n, Wallet.createRandom().address)) as `0x${string}`;
    expect(await readTransaction(engine.chain.rpc, txHash)).toMatchObject({ hash: txHash, from: wallet, nonce: 0, value: 3n, input: '0x', gasLimit: 21_000n });
    expect(await readTransaction(engine.chain.rpc, `0x${'0'.repeat(64)}`)).toBeNull();
    // An impersonated sender has no signature: such bytes do not have the hash, so there are none.
    expect(await readRawTransaction(engine.chain.rpc, txHash)).toBeNull();

    const signer = Wallet.createRandom();
    await engine.chain.rpc.call('anvil_setBalance', [signer.address, '0xde0b6b3a7640000']);
    const raw = await signer.signTransaction({ type: 2, chainId: engine.chain.chainId, nonce: 0, to: wallet, value: 1n, gasLimit: 21_000n, maxFeePerGas: 100_000_000_000n, maxPriorityFeePerGas: 30_000_000_000n });
    const sent = await engine.chain.rpc.call<`0x${string}`>('eth_sendRawTransaction', [raw]);
    const without: Rpc = {
      ...engine.chain.rpc,
      call: (method, params) => (method === 'eth_getRawTransactionByHash' ? Promise.reject(new RpcAnswerError(method, { code: -32601, message: 'the method does not exist' })) : engine.chain.rpc.call(method, params)),
    };
    expect(await readRawTransaction(engine.chain.rpc, sent)).toBe(raw);
    expect(await readRawTransaction(without, sent)).toBe(raw);
    const lying: Rpc = { ...engine.chain.rpc, call: (method, params) => (method === 'eth_getRawTransactionByHash' ? Promise.resolve('0x02' as never) : engine.chain.rpc.call(method, params)) };
    expect(await readRawTransaction(lying, sent)).toBe(raw);
  });
});
