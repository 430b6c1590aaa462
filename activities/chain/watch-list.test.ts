import { describe, expect, it } from 'vitest';
import type { Hash } from './blocks.ts';
import type { Receipt } from './receipts.ts';
import { createWatchList, type Watch, type WatchState } from './watch-list.ts';

const receiptIn = (blockHash: Hash, txHash: Hash = '0xt'): Receipt => ({ txHash, blockNumber: 7, blockHash, succeeded: true, gasUsed: 21_000n, effectiveGasPrice: 1n, logs: [] });
const target = (...hashes: Hash[]) => ({ wallet: '0xw', nonce: 0, hashes });

/** What is waiting in a watch's queue now. */
async function told(watch: Watch): Promise<string[]> {
  const kinds: string[] = [];
  for (;;) {
    const none = new AbortController();
    const next = watch.next(none.signal);
    const event = await Promise.race([next, Promise.resolve().then(() => Promise.resolve()).then(() => null)]);
    if (event === null) {
      none.abort(new Error('nothing more'));
      await next.catch(() => undefined);
      return kinds;
    }
    kinds.push(event.kind);
  }
}

function open(...hashes: Hash[]) {
  const list = createWatchList();
  list.headIs(1);
  const watch = list.open(target(...hashes));
  const [state] = list;
  return { list, watch, state: state as WatchState };
}

describe('the watches of one process', () => {
  it('tells a receipt once a block', async () => {
    const { list, watch } = open('0xt');
    list.mined(receiptIn('0xa'));
    list.mined(receiptIn('0xa'));
    expect(await told(watch)).toEqual(['mined']);
  });

  it('takes a block back before it tells of another', async () => {
    const { list, watch } = open('0xt', '0xu');
    list.mined(receiptIn('0xa'));
    expect(await told(watch)).toEqual(['mined']);
    list.mined(receiptIn('0xb', '0xu'));
    expect(await told(watch)).toEqual(['reorged', 'mined']);
  });

  it('takes back what an earlier watch saw in another block', async () => {
    const { list, watch, state } = open('0xt');
    state.seenBefore = { txHash: '0xt', blockNumber: 6, blockHash: '0xgone' };
    list.mined(receiptIn('0xa'));
    expect(await told(watch)).toEqual(['reorged', 'mined']);
  });

  it('says nothing was taken back where the earlier watch saw the same block', async () => {
    const { list, watch, state } = open('0xt');
    state.seenBefore = { txHash: '0xt', blockNumber: 7, blockHash: '0xa' };
    list.mined(receiptIn('0xa'));
    expect(await told(watch)).toEqual(['mined']);
  });

  it('never lets a ruling be heard whose block is gone', async () => {
    const { list, watch, state } = open('0xt');
    list.mined(receiptIn('0xa'));
    list.final(state, receiptIn('0xa'));
    list.unmined(state, '0xt');
    expect(await told(watch)).toEqual(['reorged']);
    expect(state).toMatchObject({ receipt: null, finalSent: false });
    // It waits anew, from the head of now.
    expect(state.waitingSince).toBe(1);
    list.mined(receiptIn('0xb'));
    list.final(state, receiptIn('0xb'));
    expect(await told(watch)).toEqual(['mined', 'final']);
  });

  it('tells two watches of one nonce, and goes on telling the one that is left', async () => {
    const list = createWatchList();
    const [first, second] = [list.open(target('0xt')), list.open(target('0xt'))];
    list.mined(receiptIn('0xa'));
    expect([await told(first), await told(second)]).toEqual([['mined'], ['mined']]);
    second.close();
    expect(list.isWatched('0xt')).toBe(true);
    list.mined(receiptIn('0xb'));
    expect(await told(first)).toEqual(['reorged', 'mined']);
    first.close();
    expect([list.isWatched('0xt'), [...list]]).toEqual([false, []]);
  });
});
