import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { advanceCursor, getCursor } from './chain-cursors.ts';
import { CHAIN_ID, randomHash, range } from '../repositories.testkit.ts';

describe('the cursor of a chain', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.close());

  it('goes on, never back, and takes the later word at one height', async () => {
    const { db } = database;
    expect(await getCursor(db, CHAIN_ID)).toBeNull();
    const [first, higher, sameHeight] = [100, 105, 105].map((blockNumber) => ({ blockNumber, blockHash: randomHash() }));
    if (!first || !higher || !sameHeight) throw new Error('no cursors');
    for (const cursor of [first, higher]) {
      await advanceCursor(db, CHAIN_ID, cursor);
      expect(await getCursor(db, CHAIN_ID)).toEqual(cursor);
    }
    await advanceCursor(db, CHAIN_ID, first);
    expect(await getCursor(db, CHAIN_ID)).toEqual(higher);
    await advanceCursor(db, CHAIN_ID, sameHeight);
    expect(await getCursor(db, CHAIN_ID)).toEqual(sameHeight);
    expect(await getCursor(db, CHAIN_ID + 1)).toBeNull();
  });

  it('ends at the highest of many monitors that write at once', async () => {
    const cursors = range(20, 1).map((blockNumber) => ({ blockNumber, blockHash: randomHash() }));
    await Promise.all(cursors.toReversed().map((cursor) => advanceCursor(database.db, 7, cursor)));
    // The very first writes race for the one insert; whoever is highest has the last word at its next step.
    await advanceCursor(database.db, 7, cursors[19] as (typeof cursors)[number]);
    await Promise.all(cursors.map((cursor) => advanceCursor(database.db, 7, cursor)));
    expect(await getCursor(database.db, 7)).toEqual(cursors[19]);
  });
});
