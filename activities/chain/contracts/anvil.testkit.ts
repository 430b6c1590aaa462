import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { JsonRpcProvider, type JsonRpcSigner } from 'ethers';

const START_TIMEOUT_MS = 20_000;
const ANVIL = createRequire(import.meta.url).resolve('@foundry-rs/anvil/bin.mjs');

export interface TestChain {
  readonly provider: JsonRpcProvider;
  readonly url: string;
  /** Anvil's unlocked accounts. */
  readonly accounts: readonly JsonRpcSigner[];
  stop(): Promise<void>;
}

/**
 * Starts an anvil of its own on a port the system picks, mining each transaction at once.
 * Called twice it starts two. For tests only.
 */
export async function startTestChain(chainId = 80002): Promise<TestChain> {
  const child = spawn(
    process.execPath,
    [ANVIL, '--port', '0', '--chain-id', String(chainId), '--slots-in-an-epoch', '1'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const port = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('anvil did not start')), START_TIMEOUT_MS);
    let printed = '';
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`anvil ended with ${code}: ${printed}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString('utf8');
      const listening = /Listening on \S+:(\d+)/.exec(printed)?.[1];
      if (listening !== undefined) {
        clearTimeout(timer);
        resolve(listening);
      }
    });
  });
  const url = `http://127.0.0.1:${port}`;
  const provider = new JsonRpcProvider(url, chainId, { staticNetwork: true, cacheTimeout: -1 });
  provider.pollingInterval = 100;
  return {
    provider,
    url,
    accounts: await provider.listAccounts(),
    stop: async () => {
      provider.destroy();
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit');
        child.kill('SIGTERM');
        await exited;
      }
    },
  };
}
