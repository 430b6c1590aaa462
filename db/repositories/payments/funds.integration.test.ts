import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Address } from '../../../domain/address.ts';
import { judgeFunds, type ReservedFunds } from '../../../domain/funds.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { isDuplicateKey } from '../../transact.ts';
import { bookGas, countHeld, getFunds, holdFunds, listReserved, raiseGas, settleFunds, type FundSettlement } from './funds.ts';
import { CHAIN_ID, inTransaction, newWallet, randomRequestId, range, TOKEN } from '../repositories.testkit.ts';
import { lockWallet } from '../wallets/wallets.ts';

let database: TestDatabase;
let wallet: Address;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  wallet = await newWallet(database.db);
});

const AMOUNT = 100n;
const GAS_WEI = 7n;

function hold(options: { requestId?: string; tokenAddress?: Address | null; amount?: bigint; walletAddress?: Address } = {}): Promise<string> {
  const { requestId = randomRequestId(), tokenAddress = TOKEN, amount = AMOUNT, walletAddress = wallet } = options;
  return inTransaction(database.db, async (tx) => {
    await holdFunds(tx, { requestId, chainId: CHAIN_ID, walletAddress, tokenAddress, amount, gasLimit: 1n, gasWei: GAS_WEI });
    return requestId;
  });
}

const settle = (requestId: string, settlement: Partial<FundSettlement> = {}) =>
  inTransaction(database.db, (tx) => settleFunds(tx, requestId, { state: 'CONSUMED', spentAmount: AMOUNT, spentGasWei: 3n, settledBlock: 10, ...settlement }));
const reservedAt = (block: number): Promise<ReservedFunds[]> => inTransaction(database.db, (tx) => listReserved(tx, CHAIN_ID, wallet, block));
const held: ReservedFunds = { tokenAddress: TOKEN, amount: AMOUNT, gasWei: GAS_WEI };

describe('holding', () => {
  it('is refused a second time for one request, on any wallet', async () => {
    const requestId = await hold();
    for (const walletAddress of [wallet, await newWallet(database.db)]) {
      const failure: unknown = await hold({ requestId, walletAddress }).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(isDuplicateKey(failure)).toBe(true);
    }
    expect(await reservedAt(0)).toEqual([held]);
  });

  it('keeps the largest amounts to the last digit', async () => {
    const amount = 10n ** 64n - 1n;
    const requestId = await hold({ amount, tokenAddress: null });
    expect(await getFunds(database.db, requestId)).toMatchObject({ amount, tokenAddress: null, state: 'HELD', spentAmount: null, spentGasWei: null, settledBlock: null });
  });

  it('adds up the gas that was spent to the last wei', async () => {
    // More digits than a double holds.
    const gas = 123_456_789_012_345_679n;
    const requestId = await hold();
    await inTransaction(database.db, (tx) => bookGas(tx, requestId, gas));
    await inTransaction(database.db, (tx) => bookGas(tx, requestId, 1n));
    expect((await getFunds(database.db, requestId))?.spentGasWei).toBe(gas + 1n);
    await settle(requestId, { spentGasWei: gas });
    expect((await getFunds(database.db, requestId))?.spentGasWei).toBe(2n * gas + 1n);
  });

  it('counts only what a wallet holds now', async () => {
    const other = await newWallet(database.db);
    const [first] = [await hold(), await hold(), await hold({ walletAddress: other })];
    expect(await countHeld(database.db, CHAIN_ID, wallet)).toBe(2);
    await settle(first);
    expect(await countHeld(database.db, CHAIN_ID, wallet)).toBe(1);
    expect(await countHeld(database.db, 137, wallet)).toBe(0);
  });
});

describe('settling', () => {
  it('happens once, whoever asks: twenty at once, one is told so', async () => {
    const requestId = await hold();
    const results = await Promise.all(range(20).map((index) => settle(requestId, { spentGasWei: BigInt(index) })));
    expect(results.filter((settled) => settled)).toHaveLength(1);
    const winner = results.indexOf(true);
    expect(await getFunds(database.db, requestId)).toMatchObject({ state: 'CONSUMED', spentGasWei: BigInt(winner), settledBlock: 10 });
    expect(await settle(requestId, { state: 'RELEASED', spentAmount: 0n })).toBe(false);
    expect(await getFunds(database.db, requestId)).toMatchObject({ state: 'CONSUMED', spentAmount: AMOUNT });
  });

  it('does nothing for a request that holds nothing', async () => {
    expect(await settle(randomRequestId())).toBe(false);
  });
});

describe('the gas held', () => {
  it('is raised by a dearer attempt and never lowered', async () => {
    const requestId = await hold();
    const gasAfter = async (gasWei: bigint) => {
      await inTransaction(database.db, (tx) => raiseGas(tx, requestId, gasWei));
      return (await getFunds(database.db, requestId))?.gasWei;
    };
    expect([await gasAfter(9n), await gasAfter(8n), await gasAfter(9n), await gasAfter(11n)]).toEqual([9n, 9n, 9n, 11n]);
    await settle(requestId);
    expect(await gasAfter(99n)).toBe(11n);
  });
});

describe('what a balance does not show yet', () => {
  it('is added up by token, to the last digit', async () => {
    // More digits than a double holds.
    const much = 9_007_199_254_740_993n;
    for (const tokenAddress of [TOKEN, TOKEN, null, null]) await hold({ tokenAddress, amount: much });
    await settle(await hold({ tokenAddress: null }), { spentAmount: much, spentGasWei: 5n, settledBlock: 8 });
    const sums = async (block: number) => (await reservedAt(block)).toSorted((left, right) => Number(left.amount - right.amount) || String(left.tokenAddress).localeCompare(String(right.tokenAddress)));
    const bothHeld = [{ tokenAddress: TOKEN, amount: 2n * much, gasWei: 2n * GAS_WEI }, { tokenAddress: null, amount: 2n * much, gasWei: 2n * GAS_WEI }];
    expect(await sums(8)).toEqual(bothHeld);
    expect(await sums(7)).toEqual([{ tokenAddress: null, amount: much, gasWei: 5n }, ...bothHeld]);
  });

  it('is what is held, at every block', async () => {
    await hold();
    for (const block of [0, 10, 1_000_000]) expect(await reservedAt(block)).toEqual([held]);
  });

  it('is what was settled after its block, at what was really spent', async () => {
    await settle(await hold(), { spentAmount: 90n, spentGasWei: 3n, settledBlock: 10 });
    const spent = { tokenAddress: TOKEN, amount: 90n, gasWei: 3n };
    expect(await reservedAt(9)).toEqual([spent]);
    expect(await reservedAt(10)).toEqual([]);
    expect(await reservedAt(11)).toEqual([]);
  });

  it('is the gas of a payment that reverted, and none of its amount', async () => {
    await settle(await hold(), { state: 'RELEASED', spentAmount: 0n, spentGasWei: 5n, settledBlock: 10 });
    expect(await reservedAt(9)).toEqual([{ tokenAddress: TOKEN, amount: 0n, gasWei: 5n }]);
    expect(await reservedAt(10)).toEqual([]);
  });

  it('is nothing of what was released without a transaction', async () => {
    await settle(await hold(), { state: 'RELEASED', spentAmount: 0n, spentGasWei: 0n, settledBlock: null });
    expect(await reservedAt(0)).toEqual([]);
  });

  it("is nothing of another wallet's", async () => {
    await hold({ walletAddress: await newWallet(database.db) });
    expect(await reservedAt(0)).toEqual([]);
  });
});

describe('many withdrawals over one balance', () => {
  /** Holds the funds of a new request under the wallet's lock, if the balance allows it. */
  const tryHold = (balance: { nativeWei: bigint; token: bigint; block: number }, tokenAddress: Address | null = TOKEN) =>
    inTransaction(database.db, async (tx) => {
      await lockWallet(tx, CHAIN_ID, wallet);
      const wanted = { tokenAddress, amount: AMOUNT, gasWei: GAS_WEI };
      const verdict = judgeFunds(balance, await listReserved(tx, CHAIN_ID, wallet, balance.block), wanted);
      if (verdict.sufficient) await holdFunds(tx, { requestId: randomRequestId(), chainId: CHAIN_ID, walletAddress: wallet, gasLimit: 1n, ...wanted });
      return verdict.sufficient;
    });
  const passed = (results: readonly boolean[]) => results.filter((sufficient) => sufficient).length;

  it('fifty at once on money for twenty: exactly twenty pass', async () => {
    const balance = { token: 20n * AMOUNT + AMOUNT - 1n, nativeWei: 1_000_000n, block: 5 };
    expect(passed(await Promise.all(range(50).map(() => tryHold(balance))))).toBe(20);
    expect(await countHeld(database.db, CHAIN_ID, wallet)).toBe(20);
  });

  it('fifty at once on gas for twenty: exactly twenty pass', async () => {
    const balance = { token: 1_000_000n, nativeWei: 20n * GAS_WEI + GAS_WEI - 1n, block: 5 };
    expect(passed(await Promise.all(range(50).map(() => tryHold(balance))))).toBe(20);
  });

  it('fifty at once on the native coin: amount and gas come from one pocket', async () => {
    const nativeWei = 20n * (AMOUNT + GAS_WEI);
    expect(passed(await Promise.all(range(50).map(() => tryHold({ token: nativeWei, nativeWei, block: 5 }, null))))).toBe(20);
  });

  it('a payment seen in an old balance is not spent again, and in a new one not counted twice', async () => {
    const before = { token: 3n * AMOUNT, nativeWei: 1_000_000n, block: 5 };
    const requestId = await hold();
    await settle(requestId, { spentAmount: AMOUNT, settledBlock: 6 });
    // The remembered balance of block 5 still shows the coin that block 6 paid out.
    expect(passed(await Promise.all(range(5).map(() => tryHold(before))))).toBe(2);
    expect(await tryHold({ ...before, token: 2n * AMOUNT, block: 6 })).toBe(false);
    expect(await tryHold({ ...before, token: 3n * AMOUNT, block: 7 })).toBe(true);
  });
});
