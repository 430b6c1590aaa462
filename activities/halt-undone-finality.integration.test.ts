import { eq } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listOpenAlerts } from '../db/repositories/operations/alerts.ts';
import { insertAttempt } from '../db/repositories/payments/attempts.ts';
import { recordMined } from '../db/repositories/payments/chain-view.ts';
import { endNonce } from '../db/repositories/payments/nonces.ts';
import { CHAIN_ID, inTransaction, newAttempt, newWithdrawal, range, takeNonce } from '../db/repositories/repositories.testkit.ts';
import { addWallet, getWallet, setWalletStatus } from '../db/repositories/wallets/wallets.ts';
import { withdrawalEvents } from '../db/schema/index.ts';
import { parseAddress, type Address } from '../domain/address.ts';
import { createTestDatabase, type TestDatabase } from '../tests/harness/database.ts';
import { startManualChain, type ManualChain } from './chain/manual-chain.testkit.ts';
import { createRpc } from './chain/rpc.ts';
import { findUndoneTransactions } from './chain/undone-finality.ts';
import { haltAllUndoneFinality, haltUndoneFinality } from './halt-undone-finality.ts';

describe('finality the chain has undone', () => {
  let chain: ManualChain;
  let database: TestDatabase;
  let calls: string[];
  let errors: object[];
  let first: Address;
  let second: Address;
  beforeEach(async () => {
    chain = await startManualChain();
    database = await createTestDatabase();
    calls = [];
    errors = [];
    [first, second] = [0, 1].map((account) => parseAddress(chain.signTransfer(account, 0).from)) as [Address, Address];
    for (const address of [first, second]) await addWallet(database.db, { chainId: CHAIN_ID, address, keyId: address });
  });
  afterEach(async () => {
    await chain.stop();
    await database.close();
  });

  const ports = () => ({
    db: database.db,
    rpc: createRpc({ urls: [chain.url], chainId: CHAIN_ID, onCall: (method) => calls.push(method) }),
    log: { info: () => undefined, warn: () => undefined, error: (fields: object) => errors.push(fields) },
  });

  /** A payment mined in a block of its own and booked as final; `above` books it that many blocks too high. */
  async function paid(account: number, nonce: number, above = 0): Promise<{ requestId: string; txHash: string; blockNumber: number }> {
    const { db } = database;
    const { txHash, raw, from } = chain.signTransfer(account, nonce);
    await chain.rpc.call('eth_sendRawTransaction', [raw]);
    await chain.mine();
    const block = await chain.rpc.call<{ number: string; hash: `0x${string}` }>('eth_getBlockByNumber', ['latest', false]);
    const blockNumber = Number(block.number) + above;
    const { requestId } = await newWithdrawal(db, { status: 'SIGNING' });
    const reservation = await takeNonce(db, parseAddress(from), { requestId });
    expect(reservation.nonce).toBe(nonce);
    await inTransaction(db, async (tx) => {
      await insertAttempt(tx, newAttempt(reservation, { txHash }));
      await recordMined(tx, { chainId: CHAIN_ID, txHash, requestId, succeeded: true, blockNumber, blockHash: block.hash, gasUsed: 21_000n, effectiveGasPrice: 1n }, true);
      await endNonce(tx, reservation.id, txHash);
    });
    return { requestId, txHash, blockNumber };
  }

  const timeline = async (requestId: string) => (await database.db.select().from(withdrawalEvents).where(eq(withdrawalEvents.requestId, requestId))).map(({ type }) => type).filter((type) => type === 'finality undone');
  const statusOf = async (wallet: string) => (await getWallet(database.db, CHAIN_ID, wallet)).status;

  it('is not found while the newest final block is in the chain: one call a wallet, however much was paid', async () => {
    for (const nonce of range(5)) await paid(0, nonce);
    calls = [];
    expect(await findUndoneTransactions(ports(), CHAIN_ID, first)).toEqual([]);
    expect(calls).toEqual(['eth_getBlockByNumber']);
    expect(await findUndoneTransactions(ports(), CHAIN_ID, second)).toEqual([]);
    await haltAllUndoneFinality(ports(), CHAIN_ID);
    expect([await statusOf(first), await statusOf(second)]).toEqual(['ACTIVE', 'ACTIVE']);
  });

  it('halts the wallets it concerns, once, and leaves the others', async () => {
    const kept = await paid(0, 0);
    const other = await paid(1, 0);
    const undone = [await paid(0, 1), await paid(0, 2)];
    await chain.reorg(2);
    expect((await findUndoneTransactions(ports(), CHAIN_ID, first)).map(({ txHash }) => txHash)).toEqual(undone.map(({ txHash }) => txHash).toReversed());

    await Promise.all([haltAllUndoneFinality(ports(), CHAIN_ID), haltUndoneFinality(ports(), CHAIN_ID, first)]);
    expect([await statusOf(first), await statusOf(second)]).toEqual(['HALTED', 'ACTIVE']);
    const [oldest, newest] = undone;
    const alerts = await listOpenAlerts(database.db);
    expect(alerts).toMatchObject([{ kind: 'FINALITY_UNDONE', subject: first, detail: { transactions: 2, fromBlock: oldest?.blockNumber, toBlock: newest?.blockNumber, requestId: oldest?.requestId } }]);
    expect(errors).toHaveLength(1);
    for (const { requestId, txHash } of undone) {
      expect(await timeline(requestId)).toEqual(['finality undone']);
      expect(await database.db.query.transactions.findFirst({ where: (table) => eq(table.txHash, txHash as `0x${string}`) })).toMatchObject({ status: 'PENDING', blockHash: null, finalizedAt: null });
    }
    for (const { requestId } of [kept, other]) expect(await timeline(requestId)).toEqual([]);
  });

  it('does not halt a wallet again for what a person has seen', async () => {
    await paid(0, 0);
    const { requestId } = await paid(0, 1);
    await chain.reorg(1);
    expect(await haltUndoneFinality(ports(), CHAIN_ID, first)).toHaveLength(1);
    await setWalletStatus(database.db, CHAIN_ID, first, 'ACTIVE', null);
    expect(await haltUndoneFinality(ports(), CHAIN_ID, first)).toEqual([]);
    expect(await statusOf(first)).toBe('ACTIVE');
    expect(await timeline(requestId)).toEqual(['finality undone']);
  });

  it('says nothing by a height the node does not have, but takes an older undone block as proof', async () => {
    await paid(0, 0);
    const undone = await paid(0, 1);
    const beyond = await paid(0, 2, 50);
    expect(await findUndoneTransactions(ports(), CHAIN_ID, first)).toEqual([]);
    await chain.reorg(2);
    expect((await findUndoneTransactions(ports(), CHAIN_ID, first)).map(({ txHash }) => txHash)).toEqual([beyond.txHash, undone.txHash]);
  });

  it('is found through more payments than are read at once', async () => {
    const kept = await paid(0, 0);
    const undone = [];
    for (const nonce of range(105, 1)) undone.push(await paid(0, nonce));
    await chain.reorg(105);
    const found = await findUndoneTransactions(ports(), CHAIN_ID, first);
    expect(found.map(({ txHash }) => txHash)).toEqual(undone.map(({ txHash }) => txHash).toReversed());
    expect(found.map(({ txHash }) => txHash)).not.toContain(kept.txHash);
  });
});
