import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SANDBOX_CONTRACT_NAMES } from '../../activities/chain/contracts/compile.ts';
import { createRpc, type Rpc } from '../../activities/chain/rpc.ts';
import type { TokenAddresses } from '../../scripts/sandbox/chain-file.ts';
import { deployTokens } from '../../scripts/sandbox/tokens.ts';
import { fundWallets } from '../../scripts/sandbox/funding.ts';
import { startAnvil } from '../../scripts/stack/infrastructure.ts';

export interface TestChain {
  url: string;
  chainId: number;
  rpc: Rpc;
  tokens: TokenAddresses;
  fund(wallets: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

const POLL_MS = 20;
/** Of each wallet: coins and both tokens. */
const FUNDING_TRANSACTIONS = 3;

/** A chain of a test file's own with the test tokens on it. Blocks come every `blockTimeSeconds`. */
export async function startTestChain(blockTimeSeconds = 1): Promise<TestChain> {
  const folder = mkdtempSync(join(tmpdir(), 'chain-file-'));
  const chainFile = join(folder, 'chain.json');
  const anvil = await startAnvil({ blockTimeSeconds });
  const rpc = createRpc({ urls: [anvil.url], chainId: anvil.chainId });
  const tokens = await minedTogether(rpc, SANDBOX_CONTRACT_NAMES.length, () => deployTokens(anvil.url, anvil.chainId, chainFile));
  return {
    url: anvil.url,
    chainId: anvil.chainId,
    rpc,
    tokens,
    fund: (wallets) => minedTogether(rpc, FUNDING_TRANSACTIONS * wallets.length, () => fundWallets(anvil.url, anvil.chainId, chainFile, tokens, wallets)),
    async stop() {
      await anvil.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Mines a block once all transactions of `work` are in the pool, so that nobody waits for the next one. One block, not one each: every
 * block before its time puts the chain's clock a second ahead.
 */
async function minedTogether<Result>(rpc: Rpc, transactions: number, work: () => Promise<Result>): Promise<Result> {
  const over = new AbortController();
  const mining = (async () => {
    while (!over.signal.aborted) {
      const { pending } = await rpc.call<{ pending: string }>('txpool_status', []);
      if (Number(pending) >= transactions) return rpc.call('evm_mine', []);
      await sleep(POLL_MS, undefined, { signal: over.signal }).catch(() => undefined);
    }
  })();
  try {
    return await work();
  } finally {
    over.abort();
    await mining;
  }
}
