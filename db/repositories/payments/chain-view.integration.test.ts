import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { getTransaction, recordMined, recordUnmined, trackTransaction, type MinedView } from './chain-view.ts';
import { CHAIN_ID, inTransaction, randomHash, randomRequestId } from '../repositories.testkit.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

const newView = (options: Partial<MinedView> = {}): MinedView => ({ chainId: CHAIN_ID, txHash: randomHash(), requestId: randomRequestId(), succeeded: true, blockNumber: 12, blockHash: randomHash(), gasUsed: 51_234n, effectiveGasPrice: 30_000_000_001n, ...options });
const track = (view: MinedView) => inTransaction(database.db, (tx) => trackTransaction(tx, view.chainId, view.txHash, view.requestId));
const mined = (view: MinedView, final = false) => inTransaction(database.db, (tx) => recordMined(tx, view, final));
const unmined = (view: MinedView) => inTransaction(database.db, (tx) => recordUnmined(tx, view.chainId, view.txHash));
const read = (view: MinedView) => getTransaction(database.db, view.chainId, view.txHash);

describe("the chain's view of a hash", () => {
  it('is nothing before it is tracked, then pending, once', async () => {
    const view = newView();
    expect(await read(view)).toBeNull();
    await track(view);
    await track(view);
    expect(await read(view)).toMatchObject({ status: 'PENDING', requestId: view.requestId, blockNumber: null, blockHash: null, gasUsed: null, costWei: null, seenAt: null, finalizedAt: null });
  });

  it('holds block, gas and cost once it was mined, and when that was first seen', async () => {
    const view = newView();
    await track(view);
    await mined(view);
    const first = await read(view);
    expect(first).toMatchObject({ status: 'SUCCEEDED', blockNumber: 12, blockHash: view.blockHash, gasUsed: 51_234n, effectiveGasPrice: 30_000_000_001n, costWei: 51_234n * 30_000_000_001n, finalizedAt: null });
    expect(Math.abs(Date.now() - (first?.seenAt?.getTime() ?? 0))).toBeLessThan(60_000);
    await mined(view, true);
    const second = await read(view);
    expect(second?.finalizedAt).toBeInstanceOf(Date);
    expect(second?.seenAt).toEqual(first?.seenAt);
  });

  it('is told of a hash nobody tracked as well', async () => {
    const view = newView({ succeeded: false });
    await mined(view, true);
    const row = await read(view);
    expect(row).toMatchObject({ status: 'REVERTED', blockNumber: 12 });
    expect([row?.seenAt, row?.finalizedAt]).toEqual([expect.any(Date), expect.any(Date)]);
  });

  it('does not stop being final when it is told again without saying so', async () => {
    const view = newView();
    await mined(view, true);
    const { finalizedAt } = (await read(view)) ?? {};
    await mined(view, false);
    expect((await read(view))?.finalizedAt).toEqual(finalizedAt);
  });

  it('forgets the block that a reorg took away, and takes the next one', async () => {
    const view = newView();
    await track(view);
    await mined(view);
    await unmined(view);
    expect(await read(view)).toMatchObject({ status: 'PENDING', blockNumber: null, blockHash: null, gasUsed: null, effectiveGasPrice: null, costWei: null, seenAt: null });

    const again = { ...view, blockNumber: 14, blockHash: randomHash(), gasUsed: 60_000n };
    await mined(again);
    const row = await read(view);
    expect(row).toMatchObject({ status: 'SUCCEEDED', blockNumber: 14, blockHash: again.blockHash, gasUsed: 60_000n });
    expect(row?.seenAt).toBeInstanceOf(Date);
  });

  it('is kept apart for each chain', async () => {
    const view = newView();
    await mined(view);
    expect(await getTransaction(database.db, 137, view.txHash)).toBeNull();
  });
});
