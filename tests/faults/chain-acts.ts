import { setTimeout as sleep } from 'node:timers/promises';
import { callNode } from './checker/read-chain.ts';
import type { Journal } from './journal.ts';

const GWEI = 10n ** 9n;
const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
/** Pays for nothing, but is more than nothing: enough for no transfer at 25 gwei. */
const DRAINED_WEI = 1_000n;
const FOREIGN_FEE_GWEI = 20_000n;
const FOREIGN_TIP_GWEI = 300n;
const MINED_TIMEOUT_MS = 12_000;
const POLL_MS = 250;

/** What the run does to the chain itself, straight to the node and one act at a time. */
export interface ChainActs {
  /** Drops the newest blocks and puts empty ones in their place. Blocks that hold a declared act of the run are spared. */
  reorg(depth: number): Promise<string>;
  /** Sets the next base fee until `stop`. */
  feeSpike(gwei: number, stop: AbortSignal): Promise<void>;
  drain(wallet: string): Promise<{ refill(): Promise<void> }>;
  /** A transaction of no value past the engine: at the nonce that is due next in the chain, or behind all that is pending. */
  sendForeign(wallet: string, where: 'next' | 'behind'): Promise<string>;
}

export function createChainActs(rpcUrl: string, journal: Journal, settings: { blockTimeSeconds: number }): ChainActs {
  let turn: Promise<unknown> = Promise.resolve();
  /** no reorg takes this block or an earlier one: what the run declared stays true */
  let spared = 0;
  const spikes = new Set<number>();

  const call = async <Result>(method: string, params: readonly unknown[]): Promise<Result> => await callNode<Result>(rpcUrl, method, params);
  const headNumber = async (): Promise<number> => Number(await call<string>('eth_blockNumber', []));

  function inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const mine = turn.then(act);
    turn = mine.catch(() => undefined);
    return mine;
  }

  /** Without a block in between, what was read is what is overwritten. */
  async function setBalance(wallet: string, next: (balance: bigint) => bigint): Promise<bigint> {
    await call('evm_setIntervalMining', [0]);
    try {
      const before = BigInt(await call<string>('eth_getBalance', [wallet, 'latest']));
      const after = next(before);
      await call('anvil_setBalance', [wallet, hex(after)]);
      journal.write({ type: 'balance-set', wallet, deltaWei: (after - before).toString() });
      spared = (await headNumber()) + 1;
      return after - before;
    } finally {
      await call('evm_setIntervalMining', [settings.blockTimeSeconds]);
    }
  }

  return {
    reorg: (depth) =>
      inTurn(async () => {
        const deadline = Date.now() + MINED_TIMEOUT_MS;
        while ((await headNumber()) - depth < spared) {
          if (Date.now() > deadline) throw new Error('no block but spared ones');
          await sleep(POLL_MS);
        }
        const head = await headNumber();
        await call('anvil_reorg', [depth, []]);
        return `blocks ${head - depth + 1} to ${head}`;
      }),

    async feeSpike(gwei, stop) {
      spikes.add(gwei);
      while (!stop.aborted) {
        await call('anvil_setNextBlockBaseFeePerGas', [hex(BigInt(Math.max(...spikes)) * GWEI)]);
        await sleep(500, undefined, { signal: stop }).catch(() => undefined);
      }
      spikes.delete(gwei);
      if (spikes.size === 0) await call('anvil_setNextBlockBaseFeePerGas', [hex(GWEI)]);
    },

    drain: (wallet) =>
      inTurn(async () => {
        const taken = await setBalance(wallet, (balance) => (balance < DRAINED_WEI ? balance : DRAINED_WEI));
        return { refill: () => inTurn(async () => void (await setBalance(wallet, (balance) => balance - taken))) };
      }),

    sendForeign: (wallet, where) =>
      inTurn(async () => {
        const nonce = Number(await call<string>('eth_getTransactionCount', [wallet, where === 'next' ? 'latest' : 'pending']));
        await call('anvil_impersonateAccount', [wallet]);
        let txHash: string;
        try {
          const transaction = { from: wallet, to: wallet, value: '0x0', nonce: hex(nonce), gas: '0x5208', maxFeePerGas: hex(FOREIGN_FEE_GWEI * GWEI), maxPriorityFeePerGas: hex(FOREIGN_TIP_GWEI * GWEI) };
          txHash = await call<string>('eth_sendTransaction', [transaction]);
        } finally {
          await call('anvil_stopImpersonatingAccount', [wallet]);
        }
        journal.write({ type: 'foreign', wallet, nonce, txHash });
        const deadline = Date.now() + MINED_TIMEOUT_MS;
        while (Date.now() < deadline) {
          const receipt = await call<{ blockNumber: string } | null>('eth_getTransactionReceipt', [txHash]);
          if (receipt) {
            spared = Math.max(spared, Number(receipt.blockNumber));
            return `nonce ${nonce} in block ${Number(receipt.blockNumber)}`;
          }
          await sleep(POLL_MS);
        }
        return `nonce ${nonce}, not mined yet`;
      }),
  };
}
