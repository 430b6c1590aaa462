import { ContractFactory, getCreateAddress } from 'ethers';
import { compileContracts, SANDBOX_CONTRACT_NAMES } from '../../activities/chain/contracts/compile.ts';
import { readChainFile, writeChainFile, type TokenAddresses } from './chain-file.ts';
import { chainClient, treasury } from './chain-client.ts';

const RECEIPT_TIMEOUT_MS = 60_000;
/** A thousand million units of six decimals, to the treasury. */
const INITIAL_SUPPLY = 1_000_000_000n * 10n ** 6n;

/**
 * Deploys the test tokens to the embedded chain and notes their addresses. An address follows from the deployer and its
 * nonce, so each token has the same one on every fresh chain; one that stands there already is kept.
 */
export async function deployTokens(rpcUrl: string, chainId: number, chainFile: string): Promise<TokenAddresses> {
  const provider = chainClient(rpcUrl, chainId);
  try {
    const known = readChainFile(chainFile);
    const deployer = treasury(provider);
    const planned = Object.fromEntries(SANDBOX_CONTRACT_NAMES.map((name, nonce) => [name, getCreateAddress({ from: deployer.address, nonce })])) as Record<keyof TokenAddresses, string>;
    const tokens = known?.tokens ?? planned;
    const missing = await absent(SANDBOX_CONTRACT_NAMES, async (name) => (await provider.getCode(tokens[name])) === '0x');
    if (missing.length === 0) {
      if (known === undefined) writeChainFile(chainFile, { chainId, tokens, funded: [] });
      return tokens;
    }
    const compiled = await compileContracts();
    const firstNonce = await provider.getTransactionCount(deployer.address, 'latest');
    const deployed: Record<string, string> = { ...tokens };
    // Sent together with their nonces fixed, they share a block.
    const sent = [];
    for (const [index, name] of missing.entries()) {
      const nonce = firstNonce + index;
      const { abi, bytecode } = compiled[name];
      const contract = await new ContractFactory([...abi], bytecode, deployer).deploy(deployer.address, INITIAL_SUPPLY, { nonce });
      deployed[name] = getCreateAddress({ from: deployer.address, nonce });
      sent.push(contract.deploymentTransaction());
    }
    for (const transaction of sent) {
      const receipt = await transaction?.wait(1, RECEIPT_TIMEOUT_MS);
      if (receipt?.status !== 1) throw new Error(`the deployment ${transaction?.hash ?? ''} of a test token was not mined`);
    }
    const result = deployed as TokenAddresses;
    // A chain that lost its tokens lost the wallets' funds as well.
    writeChainFile(chainFile, { chainId, tokens: result, funded: [] });
    return result;
  } finally {
    provider.destroy();
  }
}

async function absent<Item>(items: readonly Item[], isAbsent: (item: Item) => Promise<boolean>): Promise<Item[]> {
  const flags = await Promise.all(items.map(isAbsent));
  return items.filter((_, index) => flags[index]);
}
