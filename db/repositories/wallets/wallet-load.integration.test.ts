import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Address } from '../../../domain/address.ts';
import type { WithdrawalStatus } from '../../../domain/status.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { nonceReservations, withdrawalRequests } from '../../schema/index.ts';
import { holdFunds, settleFunds } from '../payments/funds.ts';
import { endNonce } from '../payments/nonces.ts';
import { CHAIN_ID, inTransaction, newWallet, newWithdrawal, randomHash, takeNonce, TOKEN } from '../repositories.testkit.ts';
import { countWindowUse, isBusy } from './wallet-load.ts';

let database: TestDatabase;
let wallet: Address;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  wallet = await newWallet(database.db);
});

/** A withdrawal bound to the wallet: funds held, and its nonce taken where it has one. */
async function bound(status: WithdrawalStatus, withNonce: boolean): Promise<string> {
  const { requestId } = await newWithdrawal(database.db, { status: 'SIGNING' });
  await inTransaction(database.db, (tx) => holdFunds(tx, { requestId, chainId: CHAIN_ID, walletAddress: wallet, tokenAddress: TOKEN, amount: 1n, gasLimit: 1n, gasWei: 1n }));
  if (withNonce) await takeNonce(database.db, wallet, { requestId });
  await database.db.update(withdrawalRequests).set({ status }).where(eq(withdrawalRequests.requestId, requestId));
  return requestId;
}
const used = (waitingMax = 64) => countWindowUse(database.db, CHAIN_ID, wallet, waitingMax);

it.each([
  ['PENDING', false, 1],
  ['SIGNING', false, 1],
  ['SIGNING', true, 1],
  ['BROADCASTED', true, 1],
  ['CONFIRMING', true, 0],
  ['AWAITING_APPROVAL', false, 0],
  ['DEAD_LETTERED', false, 0],
  ['DEAD_LETTERED', true, 1],
] as const)('a withdrawal that is %s (nonce: %s) takes %i of the window', async (status, withNonce, expected) => {
  await bound(status, withNonce);
  expect(await used()).toBe(expected);
  expect(await isBusy(database.db, CHAIN_ID, wallet)).toBe(true);
});

it('a filler takes its place too, another wallet none, and a long queue is counted to its bound', async () => {
  const { id } = await takeNonce(database.db, wallet, { requestId: await bound('SIGNED', false) });
  await database.db.update(nonceReservations).set({ state: 'VOIDING', liveRequestId: 'fill-1' }).where(eq(nonceReservations.id, id));
  await database.db.update(withdrawalRequests).set({ status: 'CANCELLED' });
  expect(await used()).toBe(1);
  for (let index = 0; index < 5; index += 1) await bound('PENDING', false);
  expect(await used()).toBe(6);
  expect(await used(3)).toBe(4);
  expect(await countWindowUse(database.db, CHAIN_ID, await newWallet(database.db), 64)).toBe(0);
});

it('a wallet is busy until the last nonce is final and the last hold is gone', async () => {
  const requestId = await bound('CONFIRMING', true);
  const [reservation] = await database.db.select().from(nonceReservations).where(eq(nonceReservations.liveRequestId, requestId));
  await inTransaction(database.db, (tx) => settleFunds(tx, requestId, { state: 'CONSUMED', spentAmount: 1n, spentGasWei: 1n, settledBlock: 1 }));
  expect(await isBusy(database.db, CHAIN_ID, wallet)).toBe(true);
  await inTransaction(database.db, (tx) => endNonce(tx, reservation?.id ?? 0, randomHash()));
  expect(await isBusy(database.db, CHAIN_ID, wallet)).toBe(false);
});
