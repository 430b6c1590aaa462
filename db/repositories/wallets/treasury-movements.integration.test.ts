import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Address } from '../../../domain/address.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { isDuplicateKey } from '../../transact.ts';
import { CHAIN_ID, inTransaction, newWallet, randomHash, TOKEN } from '../repositories.testkit.ts';
import { claimMovement, declareMovement, listMovements, listOutgoingMovements, markMovement, revokeMovement } from './treasury-movements.ts';

let database: TestDatabase;
let wallet: Address;
beforeAll(async () => {
  database = await createTestDatabase();
  wallet = await newWallet(database.db);
});
afterAll(() => database.close());

const declare = (direction: 'IN' | 'OUT' = 'OUT') => declareMovement(database.db, { chainId: CHAIN_ID, walletAddress: wallet, direction, tokenAddress: TOKEN, amount: 5n, counterparty: TOKEN, reason: 'test', declaredBy: 'test' });
const mark = (id: number, txHash: `0x${string}`, logIndex = 1) => inTransaction(database.db, (tx) => markMovement(tx, id, { txHash, logIndex }));
const outgoing = async (...hashes: string[]) => (await listOutgoingMovements(database.db, CHAIN_ID, wallet, hashes)).map(({ id }) => id);

it('is recognised as one transfer, which stays; a transfer is recognised as one movement', async () => {
  const first = await declare();
  const second = await declare();
  await declare('IN');
  expect(await outgoing()).toEqual([first, second]);
  const txHash = randomHash();
  await mark(first, txHash);
  await mark(first, randomHash());
  expect(await listMovements(database.db, CHAIN_ID)).toMatchObject([{ id: first, txHash, logIndex: 1 }, { id: second, txHash: null }, { direction: 'IN' }]);
  const failure: unknown = await mark(second, txHash).then(
    () => null,
    (error: unknown) => error,
  );
  expect(isDuplicateKey(failure)).toBe(true);
  // A used one is offered again only for its own transaction.
  expect(await outgoing()).toEqual([second]);
  expect(await outgoing(txHash)).toEqual([first, second]);
  expect((await listMovements(database.db, CHAIN_ID, { open: true })).map(({ id }) => id)).not.toContain(first);
});

it('is taken back only while nothing was recognised as it', async () => {
  const open = await declare();
  const used = await declare();
  await mark(used, randomHash());
  expect(await revokeMovement(database.db, CHAIN_ID, open)).toBe(true);
  expect(await revokeMovement(database.db, CHAIN_ID, open)).toBe(false);
  expect(await revokeMovement(database.db, CHAIN_ID, used)).toBe(false);
  expect(await revokeMovement(database.db, CHAIN_ID + 1, used)).toBe(false);
});

it('is claimed by one transfer, however often it says so, and by none once it was taken back', async () => {
  const id = await declare();
  const transfer = { txHash: randomHash(), logIndex: 4 };
  const claim = (of: typeof transfer, movement = id) => inTransaction(database.db, (tx) => claimMovement(tx, movement, of));
  expect([await claim(transfer), await claim(transfer), await claim({ ...transfer, logIndex: 5 }), await claim({ ...transfer, txHash: randomHash() })]).toEqual([true, true, false, false]);
  const revoked = await declare();
  await revokeMovement(database.db, CHAIN_ID, revoked);
  expect(await claim({ txHash: randomHash(), logIndex: 1 }, revoked)).toBe(false);
});
