import { EngineError } from '../../domain/errors.ts';
import type { BlockRange } from '../../domain/reconciliation.ts';
import { hexQuantity, type Hash } from '../chain/blocks.ts';
import { ownTransaction, readOwnInBlock, type OwnTransaction, type RawOwnTransaction } from '../chain/own-transactions.ts';
import { RpcAnswerError, type Rpc } from '../chain/rpc.ts';

export interface OwnTransactions {
  transactions: OwnTransaction[];
  /** nonces the chain counted in the range although no transaction of the wallet used them: an EIP-7702 authorization */
  unusedNonces: number[];
}

interface RawTransaction extends RawOwnTransaction {
  blockNumber: string | null;
}

/** Hashes known for nonces, `from` included and `to` not. */
type HashesOf = (fromNonce: number, toNonce: number) => Promise<ReadonlyMap<number, readonly Hash[]>>;

/** Calls at once: quick, and polite to a public endpoint. */
const CALLS_AT_ONCE = 8;

/**
 * Every transaction the wallet sent in a range of final blocks. An account of a key moves the native coin by its own
 * transactions only, and each consumes a nonce: the transaction counts at both ends say how many there are. Hashes we
 * know for a nonce are asked for first; which one consumed it, if any, the chain says. What is left is found by halving
 * the range over the transaction count, and reading the blocks in which it rises. A node that does not keep so old a state
 * still has the blocks: then each of them is read.
 */
export async function readOwnTransactions(rpc: Rpc, wallet: string, range: BlockRange, hashesOf: HashesOf): Promise<OwnTransactions> {
  try {
    return await findByCounting(rpc, wallet, range, hashesOf);
  } catch (error) {
    if (error instanceof RpcAnswerError) return readEveryBlock(rpc, wallet, range);
    throw error;
  }
}

async function findByCounting(rpc: Rpc, wallet: string, range: BlockRange, hashesOf: HashesOf): Promise<OwnTransactions> {
  const count = async (block: number) => (block < 0 ? 0 : Number(await rpc.agree<string>('eth_getTransactionCount', [wallet, hexQuantity(block)])));
  const before = await count(range.from - 1);
  const after = await count(range.to);
  // Final blocks count upwards only; a node that says otherwise is not to be believed now.
  if (after < before) throw new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_getTransactionCount', reason: `counted ${before}, then ${after}` });
  if (after === before) return { transactions: [], unusedNonces: [] };

  const found = new Map<number, OwnTransaction>();
  const hints = await hashesOf(before, after);
  await atOnce([...hints], async ([nonce, hashes]) => {
    for (const hash of hashes) {
      const minedIn = (raw: RawTransaction | null) => (raw && raw.blockNumber !== null ? ownTransaction(raw, wallet, Number(raw.blockNumber)) : null);
      const mined = minedIn(await rpc.agree<RawTransaction | null>('eth_getTransactionByHash', [hash], minedIn));
      if (!mined || mined.nonce !== nonce || mined.block < range.from || mined.block > range.to) continue;
      found.set(nonce, mined);
      return;
    }
  });

  const isOpen = (from: number, to: number) => {
    for (let nonce = from; nonce < to; nonce += 1) if (!found.has(nonce)) return true;
    return false;
  };
  async function search(low: number, high: number, countLow: number, countHigh: number): Promise<void> {
    if (!isOpen(countLow, countHigh)) return;
    if (high - low > 1) {
      const middle = low + Math.floor((high - low) / 2);
      const countMiddle = await count(middle);
      await search(low, middle, countLow, countMiddle);
      await search(middle, high, countMiddle, countHigh);
      return;
    }
    for (const own of await readBlock(rpc, wallet, high)) found.set(own.nonce, own);
  }
  await search(range.from - 1, range.to, before, after);
  const unusedNonces = Array.from({ length: after - before }, (_, index) => before + index).filter((nonce) => !found.has(nonce));
  return { transactions: [...found.values()].toSorted((left, right) => left.nonce - right.nonce), unusedNonces };
}

/** The same without any past state. Of nonces nobody used it knows those between two that were used. */
async function readEveryBlock(rpc: Rpc, wallet: string, range: BlockRange): Promise<OwnTransactions> {
  const found = new Map<number, OwnTransaction>();
  const blocks = Array.from({ length: range.to - range.from + 1 }, (_, index) => range.from + index);
  await atOnce(blocks, async (block) => {
    for (const own of await readBlock(rpc, wallet, block)) found.set(own.nonce, own);
  });
  const transactions = [...found.values()].toSorted((left, right) => left.nonce - right.nonce);
  const first = transactions[0]?.nonce ?? 0;
  const unusedNonces = Array.from({ length: (transactions.at(-1)?.nonce ?? first) - first }, (_, index) => first + index).filter((nonce) => !found.has(nonce));
  return { transactions, unusedNonces };
}

async function readBlock(rpc: Rpc, wallet: string, number: number): Promise<OwnTransaction[]> {
  const own = await readOwnInBlock(rpc, wallet, number);
  if (!own) throw new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_getBlockByNumber', reason: `no block ${number}` });
  return own;
}

/** Does the work for each item, a few at a time. */
export async function atOnce<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(CALLS_AT_ONCE, queue.length) }, worker));
}
