import { parseAddress, sameAddress, ZERO_ADDRESS } from '../../domain/address.ts';
import { EngineError } from '../../domain/errors.ts';
import { NATIVE_LOG_INDEX } from '../../domain/payment.ts';
import type { BlockRange, Outflow } from '../../domain/reconciliation.ts';
import type { Hash } from '../chain/blocks.ts';
import type { Rpc } from '../chain/rpc.ts';
import type { OwnTransaction } from '../chain/own-transactions.ts';
import { atOnce, readOwnTransactions } from './read-own-transactions.ts';
import { readTokenTransfers } from './read-token-transfers.ts';

export interface WalletOutflows {
  outflows: Outflow[];
  unusedNonces: number[];
  /** code stands at the wallet's address (EIP-7702): then others can move its native coin without any transaction of its own */
  delegated: boolean;
}

/**
 * Everything that left a wallet in a range of final blocks: tokens by their logs, the native coin by the wallet's own
 * successful transactions. Reads only; throws `CHAIN_UNAVAILABLE`, or the node's refusal, rather than leave a block out.
 */
export async function readOutflows(rpc: Rpc, wallet: string, range: BlockRange, hashesOf: Parameters<typeof readOwnTransactions>[3]): Promise<WalletOutflows> {
  const own = await readOwnTransactions(rpc, wallet, range, hashesOf);
  const sent = new Set(own.transactions.map(({ txHash }) => txHash.toLowerCase()));
  const tokens = await readTokenTransfers(rpc, wallet, range, (txHash) => sent.has(txHash.toLowerCase()));
  const native: Outflow[] = [];
  await atOnce(
    own.transactions.filter(({ value, to }) => value > 0n && (to === null || !sameAddress(to, wallet))),
    async (transaction) => {
      const outflow = await nativeOutflow(rpc, transaction);
      if (outflow) native.push(outflow);
    },
  );
  // Of now, not of the range: code that came later is as bad, and a node need not keep old states for it.
  const code = await rpc.agree<string>('eth_getCode', [wallet, 'latest']);
  return { outflows: [...tokens, ...native], unusedNonces: own.unusedNonces, delegated: code !== '0x' };
}

async function nativeOutflow(rpc: Rpc, transaction: OwnTransaction): Promise<Outflow | null> {
  const receipt = await rpc.agree<{ status: string; contractAddress?: string | null } | null>('eth_getTransactionReceipt', [transaction.txHash], (raw) => raw && { status: raw.status, contractAddress: raw.contractAddress ?? null });
  if (!receipt) throw new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_getTransactionReceipt', reason: `no receipt of ${transaction.txHash}` });
  if (Number(receipt.status) !== 1) return null;
  const to = transaction.to ?? receipt.contractAddress ?? ZERO_ADDRESS;
  return { txHash: transaction.txHash, logIndex: NATIVE_LOG_INDEX, tokenAddress: null, to: parseAddress(to.toLowerCase()), amount: transaction.value, block: transaction.block, sentByWallet: true };
}

/** True when the chain shows this very transfer from the wallet in a block of the range: then a query that left it out was incomplete. */
export async function showsTransfer(rpc: Rpc, wallet: string, transfer: { txHash: Hash; logIndex: number }, range: BlockRange): Promise<boolean> {
  const receipt = await rpc.agree<{ status: string; from: string; blockNumber: string; logs: { address: string; topics: string[]; logIndex: string }[] } | null>('eth_getTransactionReceipt', [transfer.txHash], (raw) => raw && { status: raw.status, blockNumber: raw.blockNumber, logs: raw.logs.map(({ address, topics, logIndex }) => ({ address, topics, logIndex })) });
  if (!receipt || Number(receipt.blockNumber) < range.from || Number(receipt.blockNumber) > range.to || Number(receipt.status) !== 1) return false;
  // The native coin is found by nonce and hash, which leaves nothing out.
  if (transfer.logIndex === NATIVE_LOG_INDEX) return false;
  const log = receipt.logs.find(({ logIndex }) => Number(logIndex) === transfer.logIndex);
  return log?.topics[1] !== undefined && sameAddress(`0x${log.topics[1].slice(-40)}`, wallet);
}
