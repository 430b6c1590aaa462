import { parseAddress } from '../../domain/address.ts';
import { TRANSFER_TOPIC } from '../../domain/payment.ts';
import type { BlockRange, Outflow } from '../../domain/reconciliation.ts';
import { hexQuantity } from '../chain/blocks.ts';
import { RpcAnswerError, type Rpc } from '../chain/rpc.ts';

interface RawLog {
  address: string;
  topics: string[];
  data: string;
  blockNumber: string;
  transactionHash: string;
  logIndex: string;
}

/** How nodes and providers say that a query covers too much: blocks, results, bytes or time. */
const TOO_MUCH = /range|too (many|large|big|wide)|limit|exceed|more than|response size|timed? ?out|10000/i;
const ONE_WORD = /^0x[0-9a-fA-F]{64}$/;

/**
 * Every Transfer log that names the wallet as its sender, of any contract: also a token nobody registered shows. ERC-20
 * and ERC-721 share the topic; of a log whose amount cannot be read, one unit is said to have moved.
 * Where a node refuses the range as too much, it is halved, down to single blocks.
 */
export async function readTokenTransfers(rpc: Rpc, wallet: string, range: BlockRange, sentByWallet: (txHash: string) => boolean): Promise<Outflow[]> {
  const logs = await readLogs(rpc, [TRANSFER_TOPIC, `0x${wallet.slice(2).toLowerCase().padStart(64, '0')}`], range);
  return logs.map((log) => ({
    txHash: log.transactionHash,
    logIndex: Number(log.logIndex),
    tokenAddress: parseAddress(log.address.toLowerCase()),
    to: parseAddress(`0x${(log.topics[2] ?? '').slice(-40).toLowerCase().padStart(40, '0')}`),
    amount: log.topics.length === 3 && ONE_WORD.test(log.data) ? BigInt(log.data) : 1n,
    block: Number(log.blockNumber),
    sentByWallet: sentByWallet(log.transactionHash),
  }));
}

async function readLogs(rpc: Rpc, topics: readonly string[], { from, to }: BlockRange): Promise<RawLog[]> {
  try {
    return await rpc.agree<RawLog[]>('eth_getLogs', [{ fromBlock: hexQuantity(from), toBlock: hexQuantity(to), topics }], (logs) => logs.map(({ address, topics: named, data, blockNumber, transactionHash, logIndex }) => ({ address, topics: named, data, blockNumber, transactionHash, logIndex })));
  } catch (error) {
    if (from === to || !(error instanceof RpcAnswerError) || !TOO_MUCH.test(error.message)) throw error;
    const middle = from + Math.floor((to - from) / 2);
    return [...(await readLogs(rpc, topics, { from, to: middle })), ...(await readLogs(rpc, topics, { from: middle + 1, to }))];
  }
}
