import { Interface, Wallet } from 'ethers';
import { TRANSFER_TOPIC, judgePayment } from '../../domain/payment.ts';
import type { Address } from '../../domain/address.ts';
import { chainClient, treasury } from '../../scripts/sandbox/chain-client.ts';
import type { Bench } from '../activities.testkit.ts';
import { hexQuantity, type Hash } from '../chain/blocks.ts';
import { readReceipt } from '../chain/receipts.ts';
import type { Rpc } from '../chain/rpc.ts';

export const erc20 = new Interface([
  'function transfer(address to, uint256 amount) returns (bool)',
  'function transferFrom(address from, address to, uint256 amount) returns (bool)',
  'function approve(address spender, uint256 amount) returns (bool)',
  'function mint(address to, uint256 amount)',
]);

export interface Sent {
  from: string;
  to: string | null;
  value?: bigint;
  data?: string;
  gas?: number;
}

/** Sends a transaction in anybody's name, hot wallets included, past the engine. The caller mines it. */
export async function sendAs(rpc: Rpc, transaction: Sent): Promise<Hash> {
  const { from, to, value = 0n, data = '0x', gas = 200_000 } = transaction;
  await rpc.call('anvil_impersonateAccount', [from]);
  const fees = { gas: hexQuantity(gas), maxFeePerGas: hexQuantity(10_000_000_000_000), maxPriorityFeePerGas: hexQuantity(120_000_000_000) };
  const hash = await rpc.call<Hash>('eth_sendTransaction', [{ from, ...(to !== null && { to }), value: hexQuantity(value), data, ...fees }]);
  await rpc.call('anvil_stopImpersonatingAccount', [from]);
  return hash;
}

/** An account that can pay for gas and is nobody. */
export async function somebody(rpc: Rpc): Promise<Address> {
  const { address } = Wallet.createRandom();
  await rpc.call('anvil_setBalance', [address, hexQuantity(10n ** 19n)]);
  return address as Address;
}

export function ownerOfTokens(bench: Bench): string {
  const provider = chainClient(bench.engine.chain.url, bench.engine.chain.chainId);
  provider.destroy();
  return treasury(provider).address;
}

/**
 * A contract that logs `Transfer(from, to, amount)` for whatever it is told, and moves nothing: called with the three
 * words amount, from, to.
 */
export async function deployFakeToken(rpc: Rpc): Promise<Address> {
  const { address } = Wallet.createRandom();
  // mem[0] = amount; LOG3(0, 32, topic, from, to); STOP
  await rpc.call('anvil_setCode', [address, `0x60206000600037604035602035 7f${TRANSFER_TOPIC.slice(2)} 60206000a300`.replaceAll(' ', '')]);
  return address as Address;
}

const word = (value: bigint | string) => BigInt(value).toString(16).padStart(64, '0');
export const fakeTransfer = (from: string, to: string, amount: bigint): string => `0x${word(amount)}${word(from)}${word(to)}`;

/** Signs and sends a withdrawal; the caller mines it. */
export async function send(bench: Bench, requestId: string): Promise<void> {
  await bench.sign({ requestId, mode: 'pay' });
  await bench.broadcast({ requestId });
}

/** Books what the chain says of the transaction that was mined for a withdrawal. */
export async function book(bench: Bench, requestId: string): Promise<{ txHash: Hash; blockNumber: number; logIndex: number | null }> {
  const request = await bench.engine.row(requestId);
  for (const attempt of await bench.attempts(requestId)) {
    const receipt = await readReceipt(bench.engine.chain.rpc, attempt.txHash);
    if (!receipt) continue;
    const { txHash, blockNumber } = receipt;
    const facts = { txHash, blockNumber, costWei: (receipt.gasUsed * receipt.effectiveGasPrice).toString() };
    if (attempt.purpose === 'VOID') {
      await bench.settle({ requestId, verdict: { kind: 'voided', ...facts } });
      return { txHash, blockNumber, logIndex: null };
    }
    const verdict = judgePayment({ succeeded: receipt.succeeded, to: attempt.to, value: attempt.value, logs: receipt.logs }, { walletAddress: attempt.from, toAddress: request.toAddress, tokenAddress: request.tokenAddress, amount: request.amount });
    if (verdict.kind === 'paid') await bench.settle({ requestId, verdict: { kind: 'paid', logIndex: verdict.logIndex, ...facts } });
    else if (verdict.kind === 'mismatch') await bench.settle({ requestId, verdict: { kind: 'mismatch', received: verdict.received.toString(), ...facts } });
    else await bench.settle({ requestId, verdict: { kind: 'unpaid', ...facts } });
    return { txHash, blockNumber, logIndex: verdict.kind === 'paid' ? verdict.logIndex : null };
  }
  throw new Error(`nothing of ${requestId} was mined`);
}
