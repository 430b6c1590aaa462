import { randomBytes } from 'node:crypto';
import { zeroPadValue } from 'ethers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseAddress, type Address } from '../../domain/address.ts';
import { TRANSFER_TOPIC } from '../../domain/payment.ts';
import { isEnd } from '../../domain/status.ts';
import { startEngineApi, type EngineApi } from '../harness/engine-api.ts';
import { startEngine, type TestEngine } from '../harness/engine.ts';

/** Between two withdrawals of the load; USDC and USDT take turns. */
const EVERY_MS = 150;
const AMOUNT = '1.25';
const AMOUNT_UNITS = 1_250_000n;
/** What is watched after the answer: long enough for what had been sent before to be mined, and for the load to pile up. */
const BLOCKS_WATCHED = 8;

interface Payment {
  requestId: string;
  recipient: Address;
  currency: string;
  acceptedMs: number;
}

let engine: TestEngine;
let api: EngineApi;

beforeAll(async () => {
  engine = await startEngine({ wallets: 2 });
  api = await startEngineApi(engine);
});
afterAll(async () => {
  await api.close();
  await engine.stop();
});

/** Withdrawals at a steady rate until stopped, each to an address of its own. */
function startLoad(): { payments: Payment[]; stop(): Promise<void> } {
  const payments: Payment[] = [];
  const posting = new Set<Promise<void>>();
  let count = 0;
  const timer = setInterval(() => {
    const currency = count % 2 === 0 ? 'USDC' : 'USDT';
    count += 1;
    const recipient = parseAddress(`0x${randomBytes(20).toString('hex')}`);
    const body = { amount: AMOUNT, currency, toAddress: recipient, network: engine.settings.chain.network };
    const posted = api.post('/withdrawals', body, { by: api.user }).then((answer) => void payments.push({ requestId: answer.json<{ requestId: string }>().requestId, recipient, currency, acceptedMs: Date.now() }));
    posting.add(posted);
  }, EVERY_MS);
  return {
    payments,
    async stop() {
      clearInterval(timer);
      await Promise.all(posting);
    },
  };
}

async function until(holds: () => Promise<boolean>, what: string, timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const head = async () => Number(await engine.chain.rpc.call<string>('eth_blockNumber', []));
const requests = (ids: readonly string[]) => engine.database.db.query.withdrawalRequests.findMany({ where: (table, { inArray }) => inArray(table.requestId, [...ids]) });
const completedOf = async (payments: readonly Payment[]) => (await requests(payments.map(({ requestId }) => requestId))).filter(({ status }) => status === 'COMPLETED');
const attemptsOf = (payments: readonly Payment[]) => engine.database.db.query.signedTransactions.findMany({ where: (table, { and, eq, inArray }) => and(inArray(table.requestId, payments.map(({ requestId }) => requestId)), eq(table.purpose, 'PAY')) });
const blockOf = async (txHash: string) => Number((await engine.chain.rpc.call<{ blockNumber: string } | null>('eth_getTransactionReceipt', [txHash]))?.blockNumber ?? 0);

/** What the chain shows of a payment: every Transfer of its token to its recipient. */
async function received({ recipient, currency }: Payment): Promise<bigint[]> {
  const address = engine.chain.tokens[currency === 'USDC' ? 'TestUSDC' : 'TestUSDT'];
  const logs = await engine.chain.rpc.call<{ data: string }[]>('eth_getLogs', [{ address, topics: [TRANSFER_TOPIC, null, zeroPadValue(recipient, 32)], fromBlock: '0x0', toBlock: 'latest' }]);
  return logs.map(({ data }) => BigInt(data));
}

interface Scope {
  name: string;
  body: () => { scope: string; target?: string };
  /** whether an attempt is what the halt forbids */
  covers: (attempt: { from: string; to: string }) => boolean;
  /** whether anything is left that may go on */
  leavesSome: boolean;
}

const SCOPES: Scope[] = [
  { name: 'global', body: () => ({ scope: 'global' }), covers: () => true, leavesSome: false },
  { name: 'chain', body: () => ({ scope: 'chain', target: engine.settings.chain.network }), covers: () => true, leavesSome: false },
  { name: 'token', body: () => ({ scope: 'token', target: 'USDC' }), covers: ({ to }) => to === parseAddress(engine.chain.tokens.TestUSDC), leavesSome: true },
  { name: 'wallet', body: () => ({ scope: 'wallet', target: engine.wallets[0] ?? '' }), covers: ({ from }) => from === engine.wallets[0], leavesSome: true },
];

describe('the kill switch, pulled in mid-load', () => {
  let load: ReturnType<typeof startLoad> | undefined;
  afterEach(() => load?.stop());

  it.each(SCOPES)('$name: nothing it covers is signed after the answer or sent a second later; after resuming all are paid once', async ({ name, body, covers, leavesSome }) => {
    load = startLoad();
    const { payments } = load;
    await until(async () => (await completedOf(payments)).length >= 10, 'the load runs');

    expect((await api.post('/admin/halt', { ...body(), reason: 'drill' })).json()).toMatchObject({ items: [{ kind: 'OPERATOR' }], underWay: false });
    const answeredMs = Date.now();
    const headAtAnswer = await head();
    await until(async () => (await head()) >= headAtAnswer + BLOCKS_WATCHED, 'blocks go by');

    const covered = (await attemptsOf(payments)).filter(covers);
    expect(covered.length).toBeGreaterThan(0);
    const lastSignMs = Math.max(...covered.map(({ signedAt }) => signedAt.getTime())) - answeredMs;
    const lastSendMs = Math.max(...covered.map(({ broadcastedAt }) => broadcastedAt?.getTime() ?? 0)) - answeredMs;
    const lastBlock = Math.max(...(await Promise.all(covered.map(({ txHash }) => blockOf(txHash)))));
    expect(lastSignMs).toBeLessThanOrEqual(0);
    expect(lastSendMs).toBeLessThanOrEqual(1_000);
    // Sent within the second, mined in the next block.
    expect(lastBlock).toBeLessThanOrEqual(headAtAnswer + 3);

    // Accepted all the while, and held; what the halt does not cover goes on.
    const acceptedDuring = () => payments.filter(({ acceptedMs }) => acceptedMs > answeredMs);
    expect(acceptedDuring().length).toBeGreaterThan(10);
    if (leavesSome) await until(async () => (await completedOf(acceptedDuring())).length > 0, 'what the halt does not cover goes on');
    else expect(await completedOf(acceptedDuring())).toEqual([]);
    const held = await requests(payments.map(({ requestId }) => requestId));
    expect(held.filter(({ status }) => isEnd(status) && status !== 'COMPLETED')).toEqual([]);

    await load.stop();
    expect((await api.post('/admin/resume', { ...body(), reason: 'drill over' })).json()).toEqual({ items: [], nextCursor: null });
    const resumedMs = Date.now();
    await until(async () => (await completedOf(payments)).length === payments.length, 'all complete');
    const goneOnMs = Date.now() - resumedMs;
    for (const payment of payments) expect([payment.requestId, await received(payment)]).toEqual([payment.requestId, [AMOUNT_UNITS]]);
    console.log(`${name}: last signature ${lastSignMs} ms and last send ${lastSendMs} ms after the answer, last block +${lastBlock - headAtAnswer}; ${payments.length} withdrawals, ${payments.length - (held.length - held.filter(({ status }) => !isEnd(status)).length)} waiting at the resume, all final ${goneOnMs} ms after it`);
  });
});
