import { decodeOptionalSinglePayload, loadDataConverter } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isSealed } from '../../temporal-config/payload-codec.ts';
import { SEALED_PAYLOADS } from '../harness/payloads.ts';
import { paidTo } from '../harness/transfers.ts';
import { startEngine, type TestEngine } from '../harness/engine.ts';

describe('normal flow', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine({ wallets: 2 });
  });
  afterAll(() => engine.stop());

  it.each([
    ['USDC', 1_500_000n],
    ['USDT', 20_000n],
    ['POL', 1_234_567_890_123_456_789n],
  ])('pays %s once, to the base unit, and settles its reservation', async (currency, amount) => {
    const recipient = Wallet.createRandom().address;
    const requestId = await engine.accept({ currency, toAddress: recipient, amount });
    const row = await engine.until(requestId, ['COMPLETED'], 30_000);
    expect(await engine.handle(requestId).result()).toBe('COMPLETED');

    expect(await paidTo(engine.chain, row.tokenAddress, recipient)).toEqual({ total: amount, payments: 1 });
    expect(row).toMatchObject({ hasLivePayment: false, paidTxHash: row.txHash, errorCode: null });
    const funds = await engine.database.db.query.fundReservations.findFirst({ where: (table, { eq }) => eq(table.requestId, requestId) });
    expect(funds).toMatchObject({ state: 'CONSUMED', spentAmount: amount });
    const view = await engine.database.db.query.transactions.findFirst({ where: (table, { eq }) => eq(table.requestId, requestId) });
    expect(view).toMatchObject({ status: 'SUCCEEDED', txHash: row.txHash });
    expect(view?.finalizedAt).toBeInstanceOf(Date);
    expect(view?.costWei).toBe((view?.gasUsed ?? 0n) * (view?.effectiveGasPrice ?? 0n));
    const attempts = await engine.database.db.query.signedTransactions.findMany({ where: (table, { eq }) => eq(table.requestId, requestId) });
    expect(attempts).toMatchObject([{ status: 'CONFIRMED', ordinal: 0, retryCount: 0, purpose: 'PAY' }]);
  });

  it('keeps the history of a plain withdrawal small: four regular activities', async () => {
    const requestId = await engine.accept({ currency: 'USDC', toAddress: Wallet.createRandom().address, amount: 10_000n });
    await engine.until(requestId, ['COMPLETED'], 30_000);
    await engine.handle(requestId).result();
    const { events = [] } = await engine.handle(requestId).fetchHistory();
    const regular = (events ?? []).filter((event) => event.activityTaskScheduledEventAttributes);
    const upserts = (events ?? []).filter((event) => event.upsertWorkflowSearchAttributesEventAttributes);
    console.log(`history of a plain withdrawal: ${events?.length} events, ${regular.length} regular activities`);
    expect(regular).toHaveLength(4);
    expect(upserts).toHaveLength(1);
    expect(events?.length).toBeLessThanOrEqual(40);
  });

  it('reads well in the Web UI: the withdrawal and each of its steps say what they are for', async () => {
    const requestId = await engine.accept({ currency: 'USDC', toAddress: Wallet.createRandom().address, amount: 10_000n });
    await engine.until(requestId, ['COMPLETED'], 30_000);
    await engine.handle(requestId).result();
    const { events } = await engine.handle(requestId).fetchHistory();
    const summaries: string[] = [];
    for (const { userMetadata } of events ?? []) {
      if (!userMetadata?.summary) continue;
      expect(isSealed(userMetadata.summary)).toBe(true);
      summaries.push((await decodeOptionalSinglePayload<string>(loadDataConverter(SEALED_PAYLOADS), userMetadata.summary)) ?? '');
    }
    expect(summaries).toEqual([
      `USDC withdrawal ${requestId}`,
      'judge by the policy and hold funds',
      'sign the payment',
      'send the bytes that were committed last',
      'follow the nonce until the chain has ruled',
      'book what the chain ruled: paid',
    ]);
  });

  it('shows the end in the search attributes', async () => {
    const requestId = await engine.accept({ currency: 'USDT', toAddress: Wallet.createRandom().address, amount: 10_000n });
    const row = await engine.until(requestId, ['COMPLETED'], 30_000);
    await engine.handle(requestId).result();
    const { typedSearchAttributes } = await engine.handle(requestId).describe();
    expect(Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]))).toMatchObject({ WithdrawalStatus: 'COMPLETED', Currency: 'USDT', RequestId: requestId, TxHash: row.txHash, Wallet: row.walletAddress });
  });
});
