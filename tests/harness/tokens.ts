import { Contract } from 'ethers';
import { eq } from 'drizzle-orm';
import { compileContracts, type ContractName } from '../../activities/chain/contracts/compile.ts';
import { assets } from '../../db/schema/index.ts';
import { chainClient, treasury } from '../../scripts/sandbox/chain-client.ts';
import type { TestChain } from './chain.ts';
import type { TestEngine } from './engine.ts';

/** Calls a test token as its owner and waits for the receipt. */
export async function callAsOwner(chain: TestChain, token: ContractName, method: string, ...args: unknown[]): Promise<void> {
  const provider = chainClient(chain.url, chain.chainId);
  try {
    const { abi } = (await compileContracts())[token];
    const contract = new Contract(chain.tokens[token], [...abi], treasury(provider));
    const sent = (await contract.getFunction(method).send(...args)) as { wait(): Promise<{ status: number | null } | null> };
    const receipt = await sent.wait();
    if (receipt?.status !== 1) throw new Error(`${token}.${method} failed`);
  } finally {
    provider.destroy();
  }
}

/** Lets `currency` be paid in another of the test tokens, and gives the hot wallets a stock of it. */
export async function payIn(engine: TestEngine, currency: string, token: ContractName): Promise<void> {
  for (const wallet of engine.wallets) await callAsOwner(engine.chain, token, 'mint', wallet, 1_000_000_000_000n);
  await engine.database.db.update(assets).set({ tokenAddress: engine.chain.tokens[token] as `0x${string}` }).where(eq(assets.currency, currency));
}
