import { array, assert, asyncProperty, boolean, constantFrom, integer, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Hash } from '../chain/blocks.ts';
import { RpcAnswerError, type Rpc } from '../chain/rpc.ts';
import { rpcThrough } from '../chain/rpc.testkit.ts';
import type { OwnTransaction } from '../chain/own-transactions.ts';
import { readOwnTransactions } from './read-own-transactions.ts';

const WALLET = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';
const OTHER = '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359';
const none = () => Promise.resolve(new Map<number, Hash[]>());
const hashOf = (nonce: number): Hash => `0x${nonce.toString(16).padStart(64, '0')}`;

interface Block {
  /** transactions of the wallet in it */
  own: number;
  /** nonces that go up without a transaction of the wallet */
  unused: number;
}

/** A chain in memory that answers what a node does: each block holds the wallet's next nonces, and somebody else's transaction. */
function chainOf(blocks: readonly Block[]) {
  const calls: string[] = [];
  const transactions: OwnTransaction[] = [];
  const counts: number[] = [];
  const unused: number[] = [];
  let nonce = 0;
  for (const [block, { own, unused: skipped }] of blocks.entries()) {
    for (let index = 0; index < own; index += 1) transactions.push({ txHash: hashOf(nonce), nonce: nonce++, block, to: OTHER, value: BigInt(block) });
    for (let index = 0; index < skipped; index += 1) unused.push(nonce++);
    counts.push(nonce);
  }
  const raw = ({ txHash, block, to, value, ...rest }: OwnTransaction) => ({ hash: txHash, from: WALLET.toLowerCase(), to, nonce: `0x${rest.nonce.toString(16)}`, value: `0x${value.toString(16)}`, blockNumber: `0x${block.toString(16)}` });
  const answer = (method: string, params: readonly unknown[]): unknown => {
    calls.push(method);
    switch (method) {
      case 'eth_getTransactionCount':
        return `0x${(counts[Number(params[1])] ?? 0).toString(16)}`;
      case 'eth_getTransactionByHash': {
        const own = transactions.find(({ txHash }) => txHash === params[0]);
        return own ? raw(own) : null;
      }
      default: {
        const block = Number(params[0]);
        return { transactions: [{ ...raw({ txHash: '0xee', nonce: 0, block, to: WALLET, value: 1n }), from: OTHER }, ...transactions.filter((own) => own.block === block).map(raw)] };
      }
    }
  };
  const call = <T>(method: string, params: readonly unknown[]) => Promise.resolve(answer(method, params) as T);
  const rpc: Rpc = rpcThrough(1, call);
  return { rpc, calls, transactions, unused, last: blocks.length - 1 };
}

describe("reading a wallet's own transactions", () => {
  it('finds each of the range and no other, whatever hashes it is offered', async () => {
    const blocks = array(record({ own: constantFrom(0, 0, 0, 1, 3), unused: constantFrom(0, 0, 0, 0, 1) }), { minLength: 1, maxLength: 60 });
    await assert(
      asyncProperty(blocks, integer({ min: 0, max: 59 }), integer({ min: 0, max: 59 }), boolean(), integer({ min: 1, max: 4 }), async (given, one, other, offer, every) => {
        const chain = chainOf(given);
        const range = { from: Math.min(one, other, chain.last), to: Math.min(Math.max(one, other), chain.last) };
        // Some known, some wrong: a hash of another nonce, a hash nobody has seen.
        const hints = async (from: number, to: number) => new Map(Array.from({ length: to - from }, (_, index) => from + index).filter((nonce) => offer && nonce % every === 0).map((nonce) => [nonce, [hashOf(9_999), hashOf(nonce + 1), hashOf(nonce)]]));
        const inRange = ({ block }: { block: number }) => block >= range.from && block <= range.to;
        const found = await readOwnTransactions(chain.rpc, WALLET, range, hints);
        expect(found.transactions).toEqual(chain.transactions.filter(inRange));
        const used = new Set(found.transactions.map(({ nonce }) => nonce));
        expect(found.unusedNonces.every((nonce) => chain.unused.includes(nonce) && !used.has(nonce))).toBe(true);
      }),
    );
  });

  it('names every nonce that no transaction used', async () => {
    const chain = chainOf([{ own: 1, unused: 0 }, { own: 0, unused: 2 }, { own: 2, unused: 1 }]);
    const { unusedNonces } = await readOwnTransactions(chain.rpc, WALLET, { from: 0, to: 2 }, none);
    expect(unusedNonces).toEqual([1, 2, 5]);
  });

  it('costs two calls where nothing was sent, one more for a known transaction, and few for an unknown one', async () => {
    const blocks = (at: readonly number[]) => Array.from({ length: 2_000 }, (_, block) => ({ own: at.includes(block) ? 1 : 0, unused: 0 }));
    const idle = chainOf(blocks([0]));
    await readOwnTransactions(idle.rpc, WALLET, { from: 1, to: 1_999 }, none);
    expect(idle.calls).toHaveLength(2);
    const known = chainOf(blocks([700]));
    await readOwnTransactions(known.rpc, WALLET, { from: 1, to: 1_999 }, async () => new Map([[0, [hashOf(0)]]]));
    expect(known.calls).toHaveLength(3);
    const unknown = chainOf(blocks([700]));
    await readOwnTransactions(unknown.rpc, WALLET, { from: 1, to: 1_999 }, none);
    expect(unknown.calls.filter((method) => method === 'eth_getBlockByNumber')).toHaveLength(1);
    expect(unknown.calls.length).toBeLessThan(16);
  });

  it('reads every block where the node keeps no state so old', async () => {
    const chain = chainOf([{ own: 1, unused: 0 }, { own: 0, unused: 0 }, { own: 2, unused: 1 }, { own: 1, unused: 0 }]);
    const pruned = rpcThrough(1, async (method, params) => {
      if (method === 'eth_getTransactionCount') throw new RpcAnswerError(method, { code: -32000, message: 'missing trie node' });
      return chain.rpc.call(method, params);
    });
    const { transactions, unusedNonces } = await readOwnTransactions(pruned, WALLET, { from: 1, to: 3 }, none);
    expect(transactions.map(({ nonce }) => nonce)).toEqual([1, 2, 4]);
    expect(unusedNonces).toEqual([3]);
  });

  it('believes no node that counts backwards', async () => {
    let count = 5;
    const call = <T>() => Promise.resolve(`0x${(count--).toString(16)}` as T);
    await expect(readOwnTransactions(rpcThrough(1, call), WALLET, { from: 1, to: 9 }, none)).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
  });
});
