import { Interface } from 'ethers';
import type { Address } from '../../domain/address.ts';
import { EngineError } from '../../domain/errors.ts';
import { RpcAnswerError, type Rpc } from './rpc.ts';
import { hexQuantity } from './blocks.ts';

/** https://eips.ethereum.org/EIPS/eip-20 */
const erc20 = new Interface(['function transfer(address to, uint256 amount) returns (bool)', 'function balanceOf(address owner) view returns (uint256)', 'function decimals() view returns (uint8)']);

export interface Call {
  to: Address;
  /** wei */
  value: bigint;
  data: `0x${string}`;
}

/** The call that pays: an ERC-20 `transfer`, or a plain send of the native coin. */
export function paymentCall(payment: { tokenAddress: Address | null; toAddress: Address; amount: bigint }): Call {
  if (payment.tokenAddress === null) return { to: payment.toAddress, value: payment.amount, data: '0x' };
  return { to: payment.tokenAddress, value: 0n, data: erc20.encodeFunctionData('transfer', [payment.toAddress, payment.amount]) as `0x${string}` };
}

/** The call that pays nobody: it consumes a nonce by sending nothing from the wallet to itself. */
export function voidCall(wallet: Address): Call {
  return { to: wallet, value: 0n, data: '0x' };
}

/** Gas a plain send uses, exactly (yellow paper, G_transaction). */
export const PLAIN_SEND_GAS = 21_000n;

/** Token balance of a wallet at a block, base units; two endpoints must agree on it, where two are there. */
export async function readTokenBalance(rpc: Rpc, token: Address, wallet: Address, block: number): Promise<bigint> {
  const data = await rpc.agree<string>('eth_call', [{ to: token, data: erc20.encodeFunctionData('balanceOf', [wallet]) }, hexQuantity(block)]);
  return erc20.decodeFunctionResult('balanceOf', data)[0] as bigint;
}

/** The decimals a token contract claims; two endpoints must agree on them, where two are there. */
export async function readTokenDecimals(rpc: Rpc, token: Address): Promise<number> {
  const data = await rpc.agree<string>('eth_call', [{ to: token, data: erc20.encodeFunctionData('decimals', []) }, 'latest']);
  return Number(erc20.decodeFunctionResult('decimals', data)[0]);
}

/** Gas one transaction may ask for on Polygon: EIP-7825 with bor's own bound (`MaxTxGas`). More is never mined. https://eips.ethereum.org/EIPS/eip-7825 */
export const TRANSACTION_GAS_MAX = 1n << 25n;

/**
 * Runs the payment against the latest state without sending it, and estimates its gas. Throws `TRANSFER_REFUSED` when it
 * would revert (paused, deny-listed, no reason given), run into an invalid opcode, need more gas than any block takes, or
 * the token would answer `false`; tokens that answer nothing, like mainnet USDT, are fine. A refusal fails the withdrawal
 * for good, so it is never one endpoint's word where two are there: while they differ it throws `CHAIN_UNAVAILABLE`.
 * Reads only: called twice, it asks twice.
 * @returns gas units, without margin
 */
export async function rehearsePayment(rpc: Rpc, wallet: Address, call: Call): Promise<bigint> {
  const transaction = { from: wallet, to: call.to, value: hexQuantity(call.value), data: call.data };
  try {
    const answer = await rpc.agree<string>('eth_call', [transaction, 'latest']);
    if (call.data !== '0x' && answer !== '0x' && BigInt(answer) === 0n) throw new EngineError('TRANSFER_REFUSED', { reason: 'the token answered false' });
    // Clients estimate differently; what they must agree on is that it can be done.
    const gas = BigInt(await rpc.agree<string>('eth_estimateGas', [transaction], () => 'possible'));
    if (gas > TRANSACTION_GAS_MAX) throw new EngineError('TRANSFER_REFUSED', { reason: `the transfer needs ${gas} gas, more than a transaction may use` });
    return gas;
  } catch (error) {
    if (error instanceof RpcAnswerError) throw refusal(error);
    throw error;
  }
}

/**
 * What nodes say when the EVM, not the node, stopped a call: geth, bor and erigon (core/vm/errors.go, gasestimator.go), nethermind
 * (GasEstimator.cs), besu (RpcErrorType.java), reth ("EVM error" and revm's HaltReason) and anvil (eth/error.rs).
 */
const EVM_REFUSALS =
  /\brevert|VM execution error|EVM error|invalid ?opcode|bad ?instruction|(invalid|bad) ?jump ?destination|stack ?(underflow|overflow|limit reached)|write protection|return data out of bounds|out ?of ?gas|gas required exceeds|gas uint64 overflow|gas spent exceeded|Transaction execution fails|could not be completed due to an exception/i;
/** The number in "gas required exceeds allowance (30000000)", or with a colon. */
const ALLOWANCE = /gas required exceeds(?: allowance)?:? \(?(\d+)/i;
/** No node looks at less gas than this by its own settings; a smaller allowance is what the sender's balance buys. */
const NODE_ALLOWANCE_MIN = 10_000_000;

function refusal(error: RpcAnswerError): EngineError {
  const reason = error.message.slice(0, 200);
  const allowance = ALLOWANCE.exec(error.message)?.[1];
  const short = allowance !== undefined && Number(allowance) < NODE_ALLOWANCE_MIN;
  if (!short && (EVM_REFUSALS.test(error.message) || error.rpcCode === 3)) return new EngineError('TRANSFER_REFUSED', { reason }, { cause: error });
  return new EngineError('CHAIN_UNAVAILABLE', { method: error.method, reason }, { cause: error });
}
