import { Contract } from 'ethers';
import { eq } from 'drizzle-orm';
import { compileContracts, type ContractName } from '../../activities/chain/contracts/compile.ts';
import { deployContract } from '../../activities/chain/contracts/deploy.ts';
import { assets } from '../../db/schema/index.ts';
import { parseAddress, type Address } from '../../domain/address.ts';
import { chainClient, treasury } from '../../scripts/sandbox/chain-client.ts';
import type { TokenAddresses } from '../../scripts/sandbox/chain-file.ts';
import type { TestChain } from './chain.ts';
import type { TestEngine } from './engine.ts';

/** One deployed token, of a test's own. */
export interface TestToken {
  name: ContractName;
  address: Address;
}

const SUPPLY = 1_000_000_000_000n;

/** Deploys a token of a test's own beside those every test chain has. Called twice: two tokens. */
export async function deployToken(chain: TestChain, name: ContractName): Promise<TestToken> {
  const provider = chainClient(chain.url, chain.chainId);
  try {
    const owner = treasury(provider);
    const { address } = await deployContract(provider, owner, name, [owner.address, SUPPLY]);
    return { name, address: parseAddress(address) };
  } finally {
    provider.destroy();
  }
}

/** Calls a test token as its owner and waits for the receipt. */
export async function callAsOwner(chain: TestChain, token: keyof TokenAddresses | TestToken, method: string, ...args: unknown[]): Promise<void> {
  const { name, address } = tokenOf(chain, token);
  const provider = chainClient(chain.url, chain.chainId);
  try {
    const { abi } = (await compileContracts())[name];
    const contract = new Contract(address, [...abi], treasury(provider));
    const sent = (await contract.getFunction(method).send(...args)) as { wait(): Promise<{ status: number | null } | null> };
    const receipt = await sent.wait();
    if (receipt?.status !== 1) throw new Error(`${name}.${method} failed`);
  } finally {
    provider.destroy();
  }
}

/** Lets `currency` be paid in another of the test tokens, and gives the hot wallets a stock of it. */
export async function payIn(engine: TestEngine, currency: string, token: keyof TokenAddresses | TestToken): Promise<void> {
  const { address } = await stock(engine, token);
  await engine.database.db.update(assets).set({ tokenAddress: address }).where(eq(assets.currency, currency));
}

/** Registers a token as a currency of its own, and gives the hot wallets a stock of it. */
export async function listToken(engine: TestEngine, currency: string, token: TestToken): Promise<void> {
  const { address } = await stock(engine, token);
  const { network, chainId } = engine.settings.chain;
  await engine.database.db.insert(assets).values({ network, chainId, currency, tokenAddress: address, decimals: 6, minAmount: 1n, maxAmount: SUPPLY, enabled: true });
}

async function stock(engine: TestEngine, token: keyof TokenAddresses | TestToken): Promise<TestToken> {
  for (const wallet of engine.wallets) await callAsOwner(engine.chain, token, 'mint', wallet, SUPPLY);
  return tokenOf(engine.chain, token);
}

function tokenOf(chain: TestChain, token: keyof TokenAddresses | TestToken): TestToken {
  return typeof token === 'string' ? { name: token, address: parseAddress(chain.tokens[token]) } : token;
}
