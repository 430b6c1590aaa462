import { Interface, ZeroAddress, Wallet, type JsonRpcSigner, type Log } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestChain, type TestChain } from './anvil.testkit.ts';
import { CONTRACT_NAMES, type ContractName } from './compile.ts';
import { deployContract, type DeployedContract } from './deploy.ts';

const SUPPLY = 1_000_000n * 10n ** 6n;
const EVENTS = new Interface([
  'event Transfer(address indexed from, address indexed to, uint256 value)',
]);

// A node names typed errors by their selector.
const NOT_OWNER = /OwnableUnauthorizedAccount|0x118cdaa7/;
/** OpenZeppelin's insufficient balance or allowance, or the arithmetic panic of the one that has neither. */
const TOO_MUCH = /ERC20Insufficient|0xe450d38c|0xfb8f41b2|panic|Panic|0x4e487b71/;

let chain: TestChain;
let owner: JsonRpcSigner;
let holder: JsonRpcSigner;
let spender: JsonRpcSigner;

beforeAll(async () => {
  chain = await startTestChain();
  [owner, holder, spender] = chain.accounts as [JsonRpcSigner, JsonRpcSigner, JsonRpcSigner];
}, 30_000);
afterAll(() => chain?.stop());

const deploy = (name: ContractName): Promise<DeployedContract> =>
  deployContract(chain.provider, owner, name, [holder.address, SUPPLY]);

const recipient = (): string => Wallet.createRandom().address;

/** Sends a call and waits until it is mined; a revert rejects. */
async function send(
  token: DeployedContract,
  from: JsonRpcSigner,
  method: string,
  args: readonly unknown[],
): Promise<readonly Log[]> {
  const data = token.contract.interface.encodeFunctionData(method, args);
  const response = await from.sendTransaction({ to: token.address, data });
  const receipt = await response.wait();
  expect(receipt?.status).toBe(1);
  return receipt?.logs ?? [];
}

/** What the call returns, as raw bytes, without sending it. */
const returned = (token: DeployedContract, from: JsonRpcSigner, method: string, args: readonly unknown[]) =>
  from.call({ to: token.address, data: token.contract.interface.encodeFunctionData(method, args) });

const balance = async (token: DeployedContract, account: string): Promise<bigint> =>
  BigInt(await returned(token, owner, 'balanceOf', [account]));

const transfers = (logs: readonly Log[]) =>
  logs.map((log) => {
    const parsed = EVENTS.parseLog(log);
    return { from: parsed?.args['from'], to: parsed?.args['to'], value: parsed?.args['value'] };
  });

describe.each(CONTRACT_NAMES)('%s', (name) => {
  it('has six decimals, the initial supply, and mints for its owner only', async () => {
    const token = await deploy(name);
    expect(BigInt(await returned(token, owner, 'decimals', []))).toBe(6n);
    expect(BigInt(await returned(token, owner, 'totalSupply', []))).toBe(SUPPLY);
    expect(await balance(token, holder.address)).toBe(SUPPLY);

    const to = recipient();
    const logs = await send(token, owner, 'mint', [to, 5n]);
    expect(transfers(logs)).toEqual([{ from: ZeroAddress, to, value: 5n }]);
    expect(await balance(token, to)).toBe(5n);
    expect(BigInt(await returned(token, owner, 'totalSupply', []))).toBe(SUPPLY + 5n);
    await expect(send(token, holder, 'mint', [to, 5n])).rejects.toThrow(NOT_OWNER);
  });

  it('spends an allowance once', async () => {
    const token = await deploy(name);
    const to = recipient();
    await send(token, holder, 'approve', [spender.address, 70n]);
    await send(token, spender, 'transferFrom', [holder.address, to, 70n]);
    expect(await balance(token, holder.address)).toBe(SUPPLY - 70n);
    await expect(send(token, spender, 'transferFrom', [holder.address, to, 1n])).rejects.toThrow(TOO_MUCH);
  });

  it('refuses to send more than there is', async () => {
    const token = await deploy(name);
    await expect(send(token, holder, 'transfer', [recipient(), SUPPLY + 1n])).rejects.toThrow(TOO_MUCH);
  });
});

describe('TestUSDC', () => {
  it('returns true and moves the whole amount', async () => {
    const token = await deploy('TestUSDC');
    const to = recipient();
    expect(BigInt(await returned(token, holder, 'transfer', [to, 25n]))).toBe(1n);
    const logs = await send(token, holder, 'transfer', [to, 25n]);
    expect(transfers(logs)).toEqual([{ from: holder.address, to, value: 25n }]);
    expect(await balance(token, to)).toBe(25n);
  });

  it('stops every transfer while paused', async () => {
    const token = await deploy('TestUSDC');
    const to = recipient();
    await send(token, owner, 'pause', []);
    await expect(send(token, holder, 'transfer', [to, 1n])).rejects.toThrow('Pausable: paused');
    await send(token, owner, 'unpause', []);
    await send(token, holder, 'transfer', [to, 1n]);
    expect(await balance(token, to)).toBe(1n);
  });

  it('lets a denied account neither receive, nor send, nor spend', async () => {
    const token = await deploy('TestUSDC');
    const denied = recipient();
    await send(token, owner, 'denyList', [denied, true]);
    await expect(send(token, holder, 'transfer', [denied, 1n])).rejects.toThrow('Blacklistable');

    await send(token, holder, 'approve', [spender.address, 10n]);
    await send(token, owner, 'denyList', [spender.address, true]);
    await expect(
      send(token, spender, 'transferFrom', [holder.address, recipient(), 1n]),
    ).rejects.toThrow('Blacklistable');

    await send(token, owner, 'denyList', [holder.address, true]);
    await expect(send(token, holder, 'transfer', [recipient(), 1n])).rejects.toThrow('Blacklistable');

    await send(token, owner, 'denyList', [holder.address, false]);
    await send(token, owner, 'denyList', [denied, false]);
    await send(token, holder, 'transfer', [denied, 1n]);
    expect(await balance(token, denied)).toBe(1n);
  });

  it.each([
    ['pause', []],
    ['unpause', []],
    ['denyList', [ZeroAddress, true]],
  ])('keeps %s for its owner', async (method, args) => {
    const token = await deploy('TestUSDC');
    await expect(send(token, holder, method, args)).rejects.toThrow(NOT_OWNER);
  });
});

describe('TestUSDT', () => {
  it('returns no data from transfer, approve and transferFrom, and still pays', async () => {
    const token = await deploy('TestUSDT');
    const to = recipient();
    expect(await returned(token, holder, 'transfer', [to, 25n])).toBe('0x');
    expect(await returned(token, holder, 'approve', [spender.address, 25n])).toBe('0x');
    const logs = await send(token, holder, 'transfer', [to, 25n]);
    expect(transfers(logs)).toEqual([{ from: holder.address, to, value: 25n }]);

    await send(token, holder, 'approve', [spender.address, 5n]);
    expect(await returned(token, spender, 'transferFrom', [holder.address, to, 5n])).toBe('0x');
    expect(await balance(token, to)).toBe(25n);
  });
});

describe('TestFalseToken', () => {
  it('returns false, moves nothing and logs nothing while failing, though the transaction succeeds', async () => {
    const token = await deploy('TestFalseToken');
    const to = recipient();
    await send(token, owner, 'setFailing', [true]);
    expect(BigInt(await returned(token, holder, 'transfer', [to, 25n]))).toBe(0n);
    expect(await send(token, holder, 'transfer', [to, 25n])).toEqual([]);
    await send(token, holder, 'approve', [spender.address, 25n]);
    expect(BigInt(await returned(token, spender, 'transferFrom', [holder.address, to, 25n]))).toBe(0n);
    expect(await send(token, spender, 'transferFrom', [holder.address, to, 25n])).toEqual([]);
    expect(await balance(token, to)).toBe(0n);

    await send(token, owner, 'setFailing', [false]);
    expect(BigInt(await returned(token, holder, 'transfer', [to, 25n]))).toBe(1n);
    expect(await send(token, holder, 'transfer', [to, 25n])).toHaveLength(1);
    expect(await balance(token, to)).toBe(25n);
    await expect(send(token, holder, 'setFailing', [true])).rejects.toThrow(NOT_OWNER);
  });
});

describe('TestFeeToken', () => {
  it('pays the recipient less, and shows both parts as events', async () => {
    const token = await deploy('TestFeeToken');
    const to = recipient();
    const logs = await send(token, holder, 'transfer', [to, 1_050n]);
    expect(transfers(logs)).toEqual([
      { from: holder.address, to: owner.address, value: 10n },
      { from: holder.address, to, value: 1_040n },
    ]);
    expect(await balance(token, to)).toBe(1_040n);
    expect(await balance(token, owner.address)).toBe(10n);
    expect(await balance(token, holder.address)).toBe(SUPPLY - 1_050n);
  });

  it('takes the fee and the collector its owner sets, none at zero', async () => {
    const token = await deploy('TestFeeToken');
    const to = recipient();
    const collector = recipient();
    await send(token, owner, 'setFee', [2_500n, collector]);
    await send(token, holder, 'transfer', [to, 100n]);
    expect(await balance(token, collector)).toBe(25n);
    await send(token, owner, 'setFee', [0n, collector]);
    const logs = await send(token, holder, 'transfer', [to, 100n]);
    expect(transfers(logs)).toEqual([{ from: holder.address, to, value: 100n }]);
    await expect(send(token, owner, 'setFee', [10_001n, collector])).rejects.toThrow(/FeeTooHigh|0x[0-9a-f]{8}0{60}2711/);
    await expect(send(token, holder, 'setFee', [1n, collector])).rejects.toThrow(NOT_OWNER);
  });
});

describe('TestSilentToken', () => {
  it.each([
    ['a bare revert', 1n, /execution reverted/],
    ['the panic of an assertion', 2n, /panic|Panic|0x4e487b71/],
    ['an invalid opcode', 3n, /missing revert data/],
  ])('refuses by %s, for its owner only, and pays again afterwards', async (_name, refusal, text) => {
    const token = await deploy('TestSilentToken');
    const to = recipient();
    await send(token, owner, 'setRefusal', [refusal]);
    await expect(send(token, holder, 'transfer', [to, 25n])).rejects.toThrow(text);
    await expect(send(token, holder, 'setRefusal', [0n])).rejects.toThrow(NOT_OWNER);
    await send(token, owner, 'setRefusal', [0n]);
    expect(transfers(await send(token, holder, 'transfer', [to, 25n]))).toEqual([{ from: holder.address, to, value: 25n }]);
  });
});

describe('TestHungryToken', () => {
  it('burns about the gas its owner sets, and pays', async () => {
    const token = await deploy('TestHungryToken');
    const to = recipient();
    const data = token.contract.interface.encodeFunctionData('transfer', [to, 25n]);
    const sated = await chain.provider.estimateGas({ from: holder.address, to: token.address, data });
    await send(token, owner, 'setAppetite', [500_000n]);
    const hungry = await chain.provider.estimateGas({ from: holder.address, to: token.address, data });
    expect(hungry - sated).toBeGreaterThan(490_000n);
    expect(hungry - sated).toBeLessThan(520_000n);
    await send(token, holder, 'transfer', [to, 25n]);
    expect(await balance(token, to)).toBe(25n);
    await expect(send(token, holder, 'setAppetite', [0n])).rejects.toThrow(NOT_OWNER);
  });

  it('runs out of gas on chain when its appetite grew after the estimate', async () => {
    const token = await deploy('TestHungryToken');
    const to = recipient();
    await send(token, owner, 'setAppetite', [500_000n]);
    const data = token.contract.interface.encodeFunctionData('transfer', [to, 25n]);
    const response = await holder.sendTransaction({ to: token.address, data, gasLimit: 100_000n });
    await expect(response.wait()).rejects.toMatchObject({ receipt: { status: 0, gasUsed: 100_000n, logs: [] } });
    expect(await balance(token, to)).toBe(0n);
  });
});

describe('TestLiarToken', () => {
  it.each([
    ['nothing at all', 1n, 0n, 0n, () => []],
    ['half of what it takes', 2n, 24n, 0n, (to: string) => [{ from: holder.address, to: ZeroAddress, value: 24n }, { from: holder.address, to, value: 12n }]],
    ['a payment to its owner', 3n, 24n, 0n, () => [{ from: holder.address, to: owner.address, value: 24n }]],
  ])('answers true and succeeds while it logs %s', async (_name, lie, taken, received, logged) => {
    const token = await deploy('TestLiarToken');
    const to = recipient();
    await send(token, owner, 'setLie', [lie]);
    expect(BigInt(await returned(token, holder, 'transfer', [to, 24n]))).toBe(1n);
    expect(transfers(await send(token, holder, 'transfer', [to, 24n]))).toEqual(logged(to));
    expect(await balance(token, to)).toBe(received);
    expect(await balance(token, holder.address)).toBe(SUPPLY - taken);
    await expect(send(token, holder, 'setLie', [0n])).rejects.toThrow(NOT_OWNER);
  });
});

describe('deployContract', () => {
  it('gives each call a contract of its own, owned by the signer', async () => {
    const first = await deploy('TestUSDC');
    const second = await deploy('TestUSDC');
    expect(second.address).not.toBe(first.address);
    expect(await chain.provider.getCode(first.address)).not.toBe('0x');
    expect(BigInt(await returned(first, owner, 'owner', []))).toBe(BigInt(owner.address));
  });

  it('deploys with a signer that has no provider', async () => {
    const key = Wallet.createRandom();
    const funding = await owner.sendTransaction({ to: key.address, value: 10n ** 18n });
    await funding.wait();
    const token = await deployContract(chain.provider, new Wallet(key.privateKey), 'TestUSDT', [
      holder.address,
      1n,
    ]);
    expect(BigInt(await returned(token, owner, 'owner', []))).toBe(BigInt(key.address));
  });
});
