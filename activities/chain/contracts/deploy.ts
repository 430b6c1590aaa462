import { ContractFactory, type BaseContract, type Provider, type Signer } from 'ethers';
import { compileContracts, type ContractName } from './compile.ts';

const DEPLOY_TIMEOUT_MS = 60_000;

export interface DeployedContract {
  readonly name: ContractName;
  /** EIP-55 checksummed. */
  readonly address: string;
  readonly txHash: string;
  readonly blockNumber: number;
  /** The contract with its full ABI, calls signed by the deployer. */
  readonly contract: BaseContract;
}

/**
 * Deploys one of the test tokens and waits until it is mined. The signer becomes its owner.
 *
 * Called twice it deploys two tokens: the caller remembers the address. If the process dies in the
 * middle, a token nobody knows of may stand on chain; it costs gas and nothing else.
 *
 * @param provider the chain to deploy to
 * @param signer pays the gas; need not be connected to a provider
 * @param args constructor arguments: initial holder, initial supply in base units
 * @throws Error if the deployment is not mined within 60 s, or reverts
 */
export async function deployContract(
  provider: Provider,
  signer: Signer,
  name: ContractName,
  args: readonly [initialHolder: string, initialSupply: bigint],
): Promise<DeployedContract> {
  const { abi, bytecode } = (await compileContracts())[name];
  const connected = signer.provider === provider ? signer : signer.connect(provider);
  const factory = new ContractFactory([...abi], bytecode, connected);
  const contract = await factory.deploy(...args);
  const transaction = contract.deploymentTransaction();
  if (transaction === null) {
    throw new Error(`${name}: no deployment transaction`);
  }
  const receipt = await transaction.wait(1, DEPLOY_TIMEOUT_MS);
  if (receipt?.contractAddress == null) {
    throw new Error(`${name}: deployment ${transaction.hash} made no contract`);
  }
  return {
    name,
    address: receipt.contractAddress,
    txHash: receipt.hash,
    blockNumber: receipt.blockNumber,
    contract,
  };
}
