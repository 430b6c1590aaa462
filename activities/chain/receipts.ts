import type { ReceiptLog } from '../../domain/payment.ts';
import { hexQuantity, type Hash } from './blocks.ts';
import { RpcAnswerError, type Rpc } from './rpc.ts';

export interface Receipt {
  txHash: Hash;
  blockNumber: number;
  blockHash: Hash;
  succeeded: boolean;
  gasUsed: bigint;
  /** wei per gas */
  effectiveGasPrice: bigint;
  logs: ReceiptLog[];
}

interface RawReceipt {
  transactionHash: Hash;
  blockNumber: string;
  blockHash: Hash;
  status: string;
  gasUsed: string;
  effectiveGasPrice?: string;
  logs: { address: string; topics: string[]; data: string; logIndex: string }[];
}

function parse(raw: RawReceipt): Receipt {
  return {
    txHash: raw.transactionHash,
    blockNumber: Number(raw.blockNumber),
    blockHash: raw.blockHash,
    succeeded: Number(raw.status) === 1,
    gasUsed: BigInt(raw.gasUsed),
    effectiveGasPrice: BigInt(raw.effectiveGasPrice ?? '0x0'),
    logs: raw.logs.map((log) => ({ address: log.address, topics: log.topics, data: log.data, logIndex: Number(log.logIndex) })),
  };
}

/** The receipt of a hash as one endpoint shows it, or null. Null means only that this node does not show one now. */
export async function readReceipt(rpc: Rpc, txHash: Hash): Promise<Receipt | null> {
  const raw = await rpc.call<RawReceipt | null>('eth_getTransactionReceipt', [txHash]);
  return raw ? parse(raw) : null;
}

/**
 * The receipt of a hash that is, or is about to be, called final: two endpoints must show the same one, where two are
 * there, in what decides money (block, success, gas, logs). Null when they do not show one. Throws `CHAIN_UNAVAILABLE` while they
 * differ: a receipt that only one of them shows is "not yet".
 */
export async function readFinalReceipt(rpc: Rpc, txHash: Hash): Promise<Receipt | null> {
  const raw = await rpc.agree<RawReceipt | null>('eth_getTransactionReceipt', [txHash], (receipt) => receipt && parse(receipt));
  return raw ? parse(raw) : null;
}

const METHOD_NOT_FOUND = -32601;

/**
 * Receipts of one block for the hashes that are watched: one call a block however many wait, and where a node does not
 * know `eth_getBlockReceipts`, one for the block's hashes and one for each that is ours.
 */
export async function readBlockReceipts(rpc: Rpc, blockNumber: number, isWatched: (txHash: Hash) => boolean): Promise<Receipt[]> {
  try {
    const raw = await rpc.call<RawReceipt[] | null>('eth_getBlockReceipts', [hexQuantity(blockNumber)]);
    return (raw ?? []).filter((receipt) => isWatched(receipt.transactionHash)).map(parse);
  } catch (error) {
    if (!(error instanceof RpcAnswerError) || error.rpcCode !== METHOD_NOT_FOUND) throw error;
    const block = await rpc.call<{ transactions: Hash[] } | null>('eth_getBlockByNumber', [hexQuantity(blockNumber), false]);
    const receipts = await Promise.all((block?.transactions ?? []).filter(isWatched).map((hash) => readReceipt(rpc, hash)));
    return receipts.filter((receipt) => receipt !== null);
  }
}
