import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../tests/harness/database.ts';
import type { Transaction } from './client.ts';
import { newWallet, CHAIN_ID } from './repositories/repositories.testkit.ts';
import { lockWallet, setNextNonce } from './repositories/wallets/wallets.ts';
import { outbox, wallets } from './schema/index.ts';
import { isDuplicateKey, transact } from './transact.ts';

let database: TestDatabase;
let left: string;
let right: string;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  left = await newWallet(database.db);
  right = await newWallet(database.db);
});

const nonceOf = async (address: string) => {
  const [row] = await database.db.select().from(wallets).where(eq(wallets.address, address as `0x${string}`));
  return row?.nextNonce ?? 0;
};

/** Adds to a wallet's counter what was read under its lock. */
async function raise(tx: Transaction, address: string): Promise<void> {
  const wallet = await lockWallet(tx, CHAIN_ID, address);
  await setNextNonce(tx, CHAIN_ID, address, (wallet.nextNonce ?? 0) + 1);
}

/** Resolves for both once both have come here; later calls pass. */
function meeting(): () => Promise<void> {
  const both = Promise.withResolvers<void>();
  let arrived = 0;
  return () => {
    arrived += 1;
    if (arrived >= 2) both.resolve();
    return both.promise;
  };
}

const insertOnce = () => transact(database.db, (tx) => tx.insert(outbox).values({ requestId: 'tx-twice', createdAt: new Date() }));

describe('transact', () => {
  it('runs the victim of a deadlock again: both succeed, each once', async () => {
    const meet = meeting();
    const runs = { left: 0, right: 0 };
    const crossing = (name: 'left' | 'right', first: string, second: string) =>
      transact(database.db, async (tx) => {
        runs[name] += 1;
        await raise(tx, first);
        await meet();
        await raise(tx, second);
        return name;
      });

    expect(await Promise.all([crossing('left', left, right), crossing('right', right, left)])).toEqual(['left', 'right']);
    // One of the two had to go back; what it had written went with it.
    expect(runs.left + runs.right).toBe(3);
    expect([await nonceOf(left), await nonceOf(right)]).toEqual([2, 2]);
  });

  it('gives up after five deadlocks and says what the server said', async () => {
    let runs = 0;
    const work = transact(database.db, async (tx) => {
      runs += 1;
      await raise(tx, left);
      // The server's own deadlock error, without the wait for two to meet.
      await tx.execute("SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'Deadlock found'");
    });
    await expect(work).rejects.toMatchObject({ cause: { errno: 1213 } });
    expect(runs).toBe(5);
    expect(await nonceOf(left)).toBe(0);
  });

  it('undoes everything and runs once when the work throws', async () => {
    let runs = 0;
    const work = transact(database.db, async (tx) => {
      runs += 1;
      await raise(tx, left);
      throw new Error('no');
    });
    await expect(work).rejects.toThrow('no');
    expect(runs).toBe(1);
    expect(await nonceOf(left)).toBe(0);
  });

  it('tells a duplicate key from anything else, and does not run it again', async () => {
    await insertOnce();
    const failure: unknown = await insertOnce().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(isDuplicateKey(failure)).toBe(true);
    expect(isDuplicateKey(new Error('other'))).toBe(false);
    expect(isDuplicateKey({ errno: 1062 })).toBe(false);
  });
});
