import { Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTransactionCount } from '../../activities/chain/blocks.ts';
import type { ContractName } from '../../activities/chain/contracts/compile.ts';
import { readTokenBalance } from '../../activities/chain/erc20.ts';
import { parseAddress, type Address } from '../../domain/address.ts';
import { startEngine, type TestEngine } from '../harness/engine.ts';
import { callAsOwner, deployToken, listToken, payIn, type TestToken } from '../harness/tokens.ts';
import { paidTo } from '../harness/transfers.ts';

const AMOUNT = 3_000_000n;
/** anvil's treasury account, which owns the test tokens: it holds some of each, so that paying it a fee takes little gas */
const COLLECTOR = '0xa0Ee7A142d267C1f36714E4a8F75612F20a79720';

interface Oddity {
  currency: string;
  token: ContractName;
  /** the owner's call after which the token is odd */
  strike: (recipient: string) => readonly [method: string, ...args: unknown[]];
  /** calls that make it an honest token until then */
  before?: readonly [method: string, ...args: unknown[]];
  /** what the chain says of bytes that were signed before it struck */
  mined: { status: '0x0' | '0x1'; received: bigint; leftWallet: bigint };
  end: 'FAILED' | 'DEAD_LETTERED';
}

const REVERTED = { status: '0x0', received: 0n, leftWallet: 0n } as const;
const FAILED = { mined: REVERTED, end: 'FAILED' } as const;

const ODDITIES: readonly Oddity[] = [
  { currency: 'PAUSED', token: 'TestUSDC', strike: () => ['pause'], ...FAILED },
  { currency: 'DENIED', token: 'TestUSDC', strike: (recipient) => ['denyList', recipient, true], ...FAILED },
  { currency: 'SILENT', token: 'TestSilentToken', strike: () => ['setRefusal', 1n], ...FAILED },
  { currency: 'PANIC', token: 'TestSilentToken', strike: () => ['setRefusal', 2n], ...FAILED },
  { currency: 'INVALID', token: 'TestSilentToken', strike: () => ['setRefusal', 3n], ...FAILED },
  { currency: 'HUNGRY', token: 'TestHungryToken', strike: () => ['setAppetite', 1n << 25n], ...FAILED },
  { currency: 'FALSE', token: 'TestFalseToken', strike: () => ['setFailing', true], mined: { status: '0x1', received: 0n, leftWallet: 0n }, end: 'FAILED' },
  { currency: 'NOTHING', token: 'TestLiarToken', strike: () => ['setLie', 1n], mined: { status: '0x1', received: 0n, leftWallet: 0n }, end: 'FAILED' },
  { currency: 'HALF', token: 'TestLiarToken', strike: () => ['setLie', 2n], mined: { status: '0x1', received: 0n, leftWallet: AMOUNT }, end: 'DEAD_LETTERED' },
  { currency: 'ASTRAY', token: 'TestLiarToken', strike: () => ['setLie', 3n], mined: { status: '0x1', received: 0n, leftWallet: AMOUNT }, end: 'DEAD_LETTERED' },
  { currency: 'FEE', token: 'TestFeeToken', before: ['setFee', 0n, COLLECTOR], strike: () => ['setFee', 100n, COLLECTOR], mined: { status: '0x1', received: 2_970_000n, leftWallet: AMOUNT }, end: 'DEAD_LETTERED' },
];
/** Those the rehearsal sees through: the others look like a payment until it is mined. */
const REFUSED_AT_ONCE = ['PAUSED', 'DENIED', 'SILENT', 'PANIC', 'INVALID', 'HUNGRY', 'FALSE'];

interface Payment {
  requestId: string;
  recipient: string;
}

let engine: TestEngine;
let wallet: Address;

const newRecipient = () => Wallet.createRandom().address;
async function pay(currency: string, recipient = newRecipient()): Promise<Payment> {
  return { requestId: await engine.accept({ currency, toAddress: recipient, amount: AMOUNT }), recipient };
}
const head = async () => Number(await engine.chain.rpc.call<string>('eth_blockNumber', []));
const nativeOf = async (address: string) => BigInt(await engine.chain.rpc.call<string>('eth_getBalance', [address, 'latest']));
const tokenOf = async (token: Address, address: string) => readTokenBalance(engine.chain.rpc, token, address as Address, await head());
const fundsOf = (requestId: string) => engine.database.db.query.fundReservations.findFirst({ where: (table, { eq }) => eq(table.requestId, requestId) });
const noncesOf = (requestId: string) => engine.database.db.query.nonceReservations.findMany({ where: (table, { eq }) => eq(table.requestId, requestId) });
const attemptsOf = (requestId: string) => engine.database.db.query.signedTransactions.findMany({ where: (table, { eq }) => eq(table.requestId, requestId) });
const receiptOf = (txHash: string | null) => engine.chain.rpc.call<{ status: string; gasUsed: string; effectiveGasPrice: string }>('eth_getTransactionReceipt', [txHash]);

/** Blocks at once for what the test itself does, or one a second as the engine expects them. */
async function mining(pace: 'at-once' | 'paced'): Promise<void> {
  await engine.chain.rpc.call('evm_setIntervalMining', [pace === 'paced' ? 1 : 0]);
  await engine.chain.rpc.call('evm_setAutomine', [pace === 'at-once']);
}

async function expectPaidOnce(payment: Payment): Promise<void> {
  const row = await engine.until(payment.requestId, ['COMPLETED']);
  expect(await paidTo(engine.chain, row.tokenAddress, payment.recipient)).toEqual({ total: AMOUNT, payments: 1 });
  expect(await fundsOf(payment.requestId)).toMatchObject({ state: 'CONSUMED', spentAmount: AMOUNT });
}

/** Nothing in flight: every nonce given out is consumed, and the chain counts as many as the database. */
async function expectAtRest(): Promise<void> {
  const row = await engine.database.db.query.wallets.findFirst();
  const given = await engine.database.db.query.nonceReservations.findMany({ orderBy: (table, { asc }) => asc(table.nonce) });
  expect(given.map(({ nonce, state, liveRequestId }) => ({ nonce, state, liveRequestId }))).toEqual(given.map((_, nonce) => ({ nonce, state: 'CONSUMED', liveRequestId: null })));
  expect(row?.nextNonce).toBe(given.length);
  expect(await readTransactionCount(engine.chain.rpc, wallet, 'latest')).toBe(given.length);
  expect(Number(await engine.chain.rpc.call<string>('eth_getTransactionCount', [wallet, 'pending']))).toBe(given.length);
}

describe('odd tokens among others on one wallet', () => {
  const tokens = new Map<string, TestToken>();
  const odd = new Map<string, Payment>();
  const others: Payment[] = [];
  const startedWith = new Map<string | null, bigint>();

  beforeAll(async () => {
    engine = await startEngine();
    wallet = parseAddress(engine.wallets[0] ?? '');
    await mining('at-once');
    for (const { currency, token, before } of ODDITIES) {
      const deployed = await deployToken(engine.chain, token);
      tokens.set(currency, deployed);
      await listToken(engine, currency, deployed);
      if (before) await callAsOwner(engine.chain, deployed, ...before);
    }
    const usdt = parseAddress(engine.chain.tokens.TestUSDT);
    for (const address of [usdt, ...[...tokens.values()].map((token) => token.address)]) startedWith.set(address, await tokenOf(address, wallet));
    startedWith.set(null, await nativeOf(wallet));
    await mining('paced');
  });
  afterAll(() => engine.stop());

  it('signs them all while they are honest, with other payments before, between and after', async () => {
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    const signed = async (payment: Payment) => {
      await engine.until(payment.requestId, ['BROADCASTING']);
      return payment;
    };
    others.push(await signed(await pay('USDT')));
    for (const { currency } of ODDITIES) {
      odd.set(currency, await signed(await pay(currency)));
      others.push(await signed(await pay('USDT')));
    }
    const nonces = await engine.database.db.query.nonceReservations.findMany({ orderBy: (table, { asc }) => asc(table.nonce) });
    expect(nonces.map(({ requestId }) => requestId)).toEqual(others.flatMap(({ requestId }, index) => [requestId, ...[...odd.values()].slice(index, index + 1).map((payment) => payment.requestId)]));

    await mining('at-once');
    for (const { currency, strike } of ODDITIES) await callAsOwner(engine.chain, tokens.get(currency) as TestToken, ...strike(odd.get(currency)?.recipient ?? ''));
    await mining('paced');
    engine.proxy.inject({ kind: 'pass' });
  });

  it.each(ODDITIES)('$token as $currency: what was signed before it struck ends as $end', async ({ currency, mined, end }) => {
    const { requestId, recipient } = odd.get(currency) as Payment;
    const token = tokens.get(currency)?.address as Address;
    // Parked is for a person what settled is for the books: both are written before this reads them.
    await expect.poll(async () => (await fundsOf(requestId))?.state, { timeout: 60_000 }).not.toBe('HELD');
    const row = await engine.until(requestId, [end]);
    expect(row).toMatchObject({ errorCode: end === 'FAILED' ? 'TRANSFER_REFUSED' : 'PAYMENT_MISMATCH' });
    expect(await tokenOf(token, recipient)).toBe(mined.received);

    const attempts = await attemptsOf(requestId);
    expect(attempts).toMatchObject([{ purpose: 'PAY', status: end === 'FAILED' ? 'REVERTED' : 'CONFIRMED' }]);
    const receipt = await receiptOf(attempts[0]?.txHash ?? null);
    expect(receipt.status).toBe(mined.status);
    const spentGasWei = BigInt(receipt.gasUsed) * BigInt(receipt.effectiveGasPrice);
    expect(await fundsOf(requestId)).toMatchObject({ state: end === 'FAILED' ? 'RELEASED' : 'CONSUMED', spentAmount: mined.leftWallet, spentGasWei });
    expect(await noncesOf(requestId)).toMatchObject([{ state: 'CONSUMED', consumedBy: attempts[0]?.txHash, liveRequestId: null }]);
    if (end === 'FAILED') expect(await engine.handle(requestId).result()).toBe('FAILED');
  });

  it('pays all the others, in a token that answers nothing at all', async () => {
    for (const payment of others) await expectPaidOnce(payment);
    await expectAtRest();
  });

  it('fails those the rehearsal sees through without a nonce or a reservation, and goes on paying', async () => {
    const refused = await Promise.all(
      ODDITIES.filter(({ currency }) => REFUSED_AT_ONCE.includes(currency)).map(({ currency }) => pay(currency, currency === 'DENIED' ? odd.get(currency)?.recipient : undefined)),
    );
    const next = await pay('USDT');
    others.push(next);
    for (const { requestId } of refused) {
      expect(await engine.until(requestId, ['FAILED'])).toMatchObject({ errorCode: 'TRANSFER_REFUSED', walletAddress: null, hasLivePayment: false });
      expect(await engine.handle(requestId).result()).toBe('FAILED');
      expect(await fundsOf(requestId)).toBeUndefined();
      expect(await noncesOf(requestId)).toEqual([]);
    }
    await expectPaidOnce(next);
    await expectAtRest();
  });

  it('pays a hungry token whose appetite stays within what a transaction may use', async () => {
    const token = tokens.get('HUNGRY') as TestToken;
    await callAsOwner(engine.chain, token, 'setAppetite', 1_000_000n);
    const payment = await pay('HUNGRY');
    await expectPaidOnce(payment);
    expect((await fundsOf(payment.requestId))?.gasLimit).toBeGreaterThan(1_000_000n);
    await expectAtRest();
  });

  it('left the wallet with exactly what the books say, token by token and in gas', async () => {
    const books = await engine.database.db.query.fundReservations.findMany();
    expect(books.filter(({ state }) => state === 'HELD')).toEqual([]);
    const spentOf = (address: string | null) => books.reduce((sum, row) => sum + (row.tokenAddress === address ? (row.spentAmount ?? 0n) : 0n) + (address === null ? (row.spentGasWei ?? 0n) : 0n), 0n);
    const left = new Map<string | null, bigint>();
    for (const [address, before] of startedWith) left.set(address, before - (address === null ? await nativeOf(wallet) : await tokenOf(address as Address, wallet)));
    expect(left).toEqual(new Map([...startedWith.keys()].map((address) => [address, spentOf(address)])));
    expect(left.get(null)).toBeGreaterThan(0n);
  });
});

describe('a payment that arrived short', () => {
  beforeAll(async () => {
    engine = await startEngine();
  });
  afterAll(() => engine.stop());

  it('is parked, and never paid again by itself, by a retry or by a cancel', async () => {
    await payIn(engine, 'USDC', 'TestFeeToken');
    const { requestId, recipient } = await pay('USDC');
    const parked = await engine.until(requestId, ['DEAD_LETTERED']);
    expect(parked).toMatchObject({ errorCode: 'PAYMENT_MISMATCH', hasLivePayment: true });
    const short = await paidTo(engine.chain, engine.chain.tokens.TestFeeToken, recipient);
    expect(short.payments).toBe(1);
    expect(short.total).toBeLessThan(AMOUNT);

    await expect.poll(() => engine.searchAttributesOf(requestId), { timeout: 10_000 }).toMatchObject({ WithdrawalStatus: 'DEAD_LETTERED' });
    await engine.handle(requestId).signal('retry');
    await engine.handle(requestId).signal('cancel');
    // The retry reaches the signer, which refuses.
    const refusals = async () => ((await engine.handle(requestId).fetchHistory()).events ?? []).filter((event) => event.activityTaskFailedEventAttributes).length;
    await expect.poll(refusals, { timeout: 20_000 }).toBeGreaterThan(0);
    expect(await paidTo(engine.chain, engine.chain.tokens.TestFeeToken, recipient)).toEqual(short);
    expect((await engine.row(requestId)).status).toBe('DEAD_LETTERED');
    const parks = await engine.database.db.query.withdrawalEvents.findMany({ where: (table, { and, eq }) => and(eq(table.requestId, requestId), eq(table.type, 'parked for a person')) });
    expect(parks).toHaveLength(1);
  });
});
