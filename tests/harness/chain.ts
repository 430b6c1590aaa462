import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  /** the test tokens' owner calls, by anvil's treasury account */
  stop(): Promise<void>;
}

/** A chain of a test file's own with the test tokens on it. Blocks come every `blockTimeSeconds`. */
export async function startTestChain(blockTimeSeconds = 1): Promise<TestChain> {
  const folder = mkdtempSync(join(tmpdir(), 'chain-file-'));
  const chainFile = join(folder, 'chain.json');
  const anvil = await startAnvil({ blockTimeSeconds });
  const tokens = await deployTokens(anvil.url, anvil.chainId, chainFile);
  return {
    url: anvil.url,
    chainId: anvil.chainId,
    rpc: createRpc({ urls: [anvil.url], chainId: anvil.chainId }),
    tokens,
    fund: (wallets) => fundWallets(anvil.url, anvil.chainId, chainFile, tokens, wallets),
    async stop() {
      await anvil.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
