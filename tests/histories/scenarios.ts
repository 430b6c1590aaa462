import { Contract, Wallet } from 'ethers';
import { makeCloseUnpaid } from '../../activities/close-unpaid.ts';
import { makeReserveFunds } from '../../activities/reserve-funds.ts';
import { takeNonce } from '../../activities/take-nonce.ts';
import { commitCancelIntent } from '../../db/repositories/withdrawals/cancel-intent.ts';
import { liftHalt, setHalt } from '../../db/repositories/operations/halts.ts';
import { createEndpoint } from '../../db/repositories/webhooks/webhook-endpoints.ts';
import { approvals, wallets } from '../../db/schema/index.ts';
import type { Address } from '../../domain/address.ts';
import { sealApproval, type ApprovalDecision } from '../../domain/approvals.ts';
import { guardianIdOf } from '../../domain/guardian.ts';
import { deliveryWorkflowIdOf } from '../../domain/webhooks.ts';
import { makeWebhookSecret, sealWebhookSecret } from '../../db/webhook-secret-seal.ts';
import type { Settings } from '../../domain/settings.ts';
import { chainClient, treasury } from '../../scripts/sandbox/chain-client.ts';
import { startEngine, type TestEngine } from '../harness/engine.ts';
import { sendFromHotWallet } from '../harness/foreign-transaction.ts';
import { withoutLimits } from '../harness/policies.ts';
import { payIn } from '../harness/tokens.ts';

/** One road through a workflow: what it takes to walk it, and the workflow ids whose histories are kept. */
export interface Scenario {
  name: string;
  settings?: (settings: Settings) => Settings;
  guardians?: boolean;
  /** notifications are sent as well */
  webhooks?: boolean;
  walk(engine: TestEngine): Promise<string[]>;
}

const AMOUNT = 3_000_000n;
/** the sandbox's policy asks for two approvals */
const LARGE = 1_000_000_000n;
const TOO_MUCH = 20_000_000_000_000n;
const OWNER = 1;

const chain = (change: Partial<Settings['chain']>) => (settings: Settings): Settings => ({ ...settings, chain: { ...settings.chain, ...change } });
const approvalsWithin = (withinMs: number) => (settings: Settings): Settings => ({ ...settings, policy: { rules: [{ id: 'all', when: {}, action: { approvals: { required: 2, withinMs } } }] } });

const accept = (engine: TestEngine, amount = AMOUNT, currency = 'USDC', toAddress = Wallet.createRandom().address) => engine.accept({ currency, toAddress, amount });
const stopMining = (engine: TestEngine) => engine.chain.rpc.call('evm_setIntervalMining', [0]);
const startMining = (engine: TestEngine) => engine.chain.rpc.call('evm_setIntervalMining', [1]);
const refuseSends = (engine: TestEngine) => engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
const pass = (engine: TestEngine) => engine.proxy.inject({ kind: 'pass' });

async function cancel(engine: TestEngine, requestId: string): Promise<void> {
  await commitCancelIntent(engine.database.db, requestId, 'all', new Date());
  await engine.handle(requestId).signal('cancel');
}

/** A person's word: the row the API writes, then the message that only wakes the workflow. */
async function say(engine: TestEngine, requestId: string, approverId: number, decision: ApprovalDecision, by: 'signal' | 'update' = 'signal'): Promise<void> {
  const seal = sealApproval(engine.sealKey, { decision, approverId }, await engine.row(requestId));
  const [{ insertId }] = await engine.database.db.insert(approvals).values({ requestId, approverId, decision, reason: decision === 'REJECT' ? 'not known to us' : null, seal, createdAt: new Date() });
  const name = decision === 'APPROVE' ? 'approve' : 'reject';
  await (by === 'signal' ? engine.handle(requestId).signal(name, insertId) : engine.handle(requestId).executeUpdate(name, { args: [insertId] }));
}

async function payByHand(engine: TestEngine, recipient: string, amount: bigint): Promise<string> {
  const provider = chainClient(engine.chain.url, engine.chain.chainId);
  try {
    const token = new Contract(engine.chain.tokens.TestUSDC, ['function transfer(address to, uint256 amount)'], treasury(provider));
    const sent = (await token.getFunction('transfer').send(recipient, amount)) as { hash: string };
    return sent.hash;
  } finally {
    provider.destroy();
  }
}

/** Waits until it is so; fails saying what never was. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`never seen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Until the history has that many events of the kind. */
const untilEvent = (engine: TestEngine, workflowId: string, attributes: string, times = 1) =>
  until(`${times} ${attributes} of ${workflowId}`, async () => {
    const { events } = await engine.client.workflow.getHandle(workflowId).fetchHistory();
    return (events ?? []).filter((event) => Boolean((event as Record<string, unknown>)[attributes])).length >= times;
  });

const attemptsOf = (engine: TestEngine, requestId: string) => engine.database.db.query.signedTransactions.findMany({ where: (table, { eq }) => eq(table.requestId, requestId) });
const untilAttempts = (engine: TestEngine, requestId: string, count: number) => until(`${count} attempts`, async () => (await attemptsOf(engine, requestId)).length >= count);
const untilVoided = (engine: TestEngine, requestId: string) => until('a void', async () => (await attemptsOf(engine, requestId)).some(({ purpose }) => purpose === 'VOID'));
const untilTimeline = (engine: TestEngine, requestId: string, type: string) =>
  until(`"${type}"`, async () => (await engine.database.db.query.withdrawalEvents.findFirst({ where: (table, { and, eq }) => and(eq(table.requestId, requestId), eq(table.type, type)) })) !== undefined);

/** Parked without a nonce: its key is gone for a while. */
async function parkWithoutKey(engine: TestEngine): Promise<{ requestId: string; restore(): Promise<void>; recipient: string }> {
  const wallet = await engine.database.db.query.wallets.findFirst();
  const { restore } = await engine.hideKey(wallet?.keyId ?? '');
  const recipient = Wallet.createRandom().address;
  const requestId = await accept(engine, AMOUNT, 'USDC', recipient);
  await engine.until(requestId, ['DEAD_LETTERED'], 120_000);
  return { requestId, restore, recipient };
}

const withdrawal = (requestId: string) => [`withdrawal-${requestId}`];

/** A scenario of one withdrawal that ends: walked, then waited out. */
function one(name: string, road: (engine: TestEngine) => Promise<string>, options: Partial<Scenario> = {}): Scenario {
  return {
    name,
    ...options,
    async walk(engine) {
      const requestId = await road(engine);
      await engine.handle(requestId).result();
      return withdrawal(requestId);
    },
  };
}

export const SCENARIOS: readonly Scenario[] = [
  one('completed', (engine) => accept(engine)),
  one('denied-by-policy', (engine) => accept(engine, TOO_MUCH)),
  one('invalid-recipient-failed', (engine) => accept(engine, AMOUNT, 'USDC', engine.wallets[0])),
  one(
    'funds-awaited-then-missing',
    async (engine) => {
      const requestId = await accept(engine, TOO_MUCH);
      await engine.until(requestId, ['AWAITING_FUNDS']);
      return requestId;
    },
    { settings: (settings) => ({ ...withoutLimits(settings), fundsWaitMs: 4_000 }) },
  ),
  one(
    'funds-awaited-then-cancelled',
    async (engine) => {
      const requestId = await accept(engine, TOO_MUCH);
      await engine.until(requestId, ['AWAITING_FUNDS']);
      await cancel(engine, requestId);
      return requestId;
    },
    { settings: withoutLimits },
  ),
  one('approved', async (engine) => {
    const requestId = await accept(engine, LARGE);
    await engine.until(requestId, ['AWAITING_APPROVAL']);
    // A forged message approves nothing.
    await engine.handle(requestId).signal('approve', 4_711);
    await say(engine, requestId, OWNER + 1, 'APPROVE', 'update');
    await say(engine, requestId, OWNER + 2, 'APPROVE');
    return requestId;
  }),
  one('rejected-by-approver', async (engine) => {
    const requestId = await accept(engine, LARGE);
    await engine.until(requestId, ['AWAITING_APPROVAL']);
    await say(engine, requestId, OWNER + 1, 'REJECT', 'update');
    return requestId;
  }),
  one('approval-expired', (engine) => accept(engine), { settings: approvalsWithin(3_000) }),
  one('approval-awaited-then-cancelled', async (engine) => {
    const requestId = await accept(engine, LARGE);
    await engine.until(requestId, ['AWAITING_APPROVAL']);
    await cancel(engine, requestId);
    return requestId;
  }),
  one('approval-awaited-then-paid-by-hand', async (engine) => {
    const recipient = Wallet.createRandom().address;
    const requestId = await accept(engine, LARGE, 'USDC', recipient);
    await engine.until(requestId, ['AWAITING_APPROVAL']);
    await engine.handle(requestId).signal('markPaid', await payByHand(engine, recipient, LARGE));
    return requestId;
  }),
  one(
    'held-at-the-fee-ceiling-then-completed',
    async (engine) => {
      // A first attempt that the next block would not take is not signed.
      await engine.chain.rpc.call('anvil_setNextBlockBaseFeePerGas', ['0x174876e800']);
      return accept(engine);
    },
    { settings: chain({ maximumFeePerGasWei: '150000000000' }) },
  ),
  one(
    'stuck-then-replaced',
    async (engine) => {
      await stopMining(engine);
      const requestId = await accept(engine);
      await engine.until(requestId, ['BROADCASTED']);
      // The market leaves the signed fee behind: blocks come, and pass it over.
      const [attempt] = await attemptsOf(engine, requestId);
      await engine.chain.rpc.call('anvil_setNextBlockBaseFeePerGas', [`0x${((attempt?.maxFeePerGas ?? 0n) * 10n).toString(16)}`]);
      // This node does not count what the next block would not take; others do.
      engine.proxy.inject({ kind: 'rewrite', change: (result, call) => (call.params[1] === 'pending' ? '0x1' : result) }, ['eth_getTransactionCount']);
      await startMining(engine);
      await untilAttempts(engine, requestId, 2);
      pass(engine);
      return requestId;
    },
    { settings: chain({ stuckAfterBlocks: 1 }) },
  ),
  one('underpriced-then-replaced', async (engine) => {
    engine.proxy.inject({ kind: 'error', code: -32_000, message: 'transaction underpriced' }, ['eth_sendRawTransaction']);
    const requestId = await accept(engine);
    await untilAttempts(engine, requestId, 2);
    pass(engine);
    return requestId;
  }),
  one(
    'lost-from-the-pool-then-sent-again',
    async (engine) => {
      await stopMining(engine);
      const requestId = await accept(engine);
      const { txHash } = await engine.until(requestId, ['BROADCASTED']);
      await engine.chain.rpc.call('anvil_dropTransaction', [txHash]);
      await startMining(engine);
      return requestId;
    },
    { settings: chain({ stuckAfterBlocks: 3 }) },
  ),
  one('nonce-lost-to-a-stranger-then-completed', async (engine) => {
    refuseSends(engine);
    const requestId = await accept(engine);
    await engine.until(requestId, ['BROADCASTING']);
    await (await sendFromHotWallet(engine, { nonce: 0 })).mined();
    pass(engine);
    return requestId;
  }),
  one('cancelled-before-signing', async (engine) => {
    engine.proxy.inject({ kind: 'refuse' });
    const requestId = await accept(engine);
    await untilEvent(engine, `withdrawal-${requestId}`, 'activityTaskScheduledEventAttributes');
    await cancel(engine, requestId);
    pass(engine);
    return requestId;
  }),
  one('cancelled-by-the-button-after-signing', async (engine) => {
    await stopMining(engine);
    const requestId = await accept(engine);
    await engine.until(requestId, ['BROADCASTED']);
    await engine.handle(requestId).cancel();
    await untilVoided(engine, requestId);
    await startMining(engine);
    return requestId;
  }),
  one('cancelled-too-late', async (engine) => {
    await stopMining(engine);
    const requestId = await accept(engine);
    await engine.until(requestId, ['BROADCASTED']);
    refuseSends(engine);
    await cancel(engine, requestId);
    await untilVoided(engine, requestId);
    await startMining(engine);
    await engine.until(requestId, ['CONFIRMING', 'COMPLETED']);
    pass(engine);
    return requestId;
  }),
  one('cancelled-while-it-cannot-be-signed', async (engine) => {
    const wallet = await engine.database.db.query.wallets.findFirst();
    const { restore } = await engine.hideKey(wallet?.keyId ?? '');
    const requestId = await accept(engine);
    await untilEvent(engine, `withdrawal-${requestId}`, 'activityTaskFailedEventAttributes', 2);
    await cancel(engine, requestId);
    await engine.handle(requestId).result();
    await restore();
    return requestId;
  }),
  one('cancelled-in-the-books-before-it-was-signed', async (engine) => {
    const wallet = await engine.database.db.query.wallets.findFirst();
    const { restore } = await engine.hideKey(wallet?.keyId ?? '');
    const requestId = await accept(engine);
    await untilEvent(engine, `withdrawal-${requestId}`, 'activityTaskFailedEventAttributes', 2);
    // The intent is committed, its signal lost: the signer reads it.
    await commitCancelIntent(engine.database.db, requestId, 'all', new Date());
    await engine.handle(requestId).result();
    await restore();
    return requestId;
  }),
  one('cancelled-in-the-books-before-it-was-sent', async (engine) => {
    refuseSends(engine);
    const requestId = await accept(engine);
    await engine.until(requestId, ['BROADCASTING']);
    // The intent is committed, its signal lost: the broadcaster withholds what pays.
    await commitCancelIntent(engine.database.db, requestId, 'all', new Date());
    pass(engine);
    return requestId;
  }),
  one('halted-before-it-was-sent-then-voided-then-completed', async (engine) => {
    refuseSends(engine);
    const requestId = await accept(engine);
    await engine.until(requestId, ['BROADCASTING']);
    const halt = { scope: 'TOKEN', target: engine.chain.tokens.TestUSDC, kind: 'OPERATOR' } as const;
    await setHalt(engine.database.db, { ...halt, reason: 'for the record', setBy: 'a person' });
    pass(engine);
    await untilTimeline(engine, requestId, 'nonce voided: nothing was paid');
    await liftHalt(engine.database.db, halt);
    return requestId;
  }),
  one('cancelled-while-the-void-cannot-be-signed', async (engine) => {
    await stopMining(engine);
    const requestId = await accept(engine);
    await engine.until(requestId, ['BROADCASTED']);
    await engine.database.db.update(wallets).set({ status: 'HALTED' });
    await cancel(engine, requestId);
    // The second call-off is that of a nonce followed on meanwhile.
    await untilEvent(engine, `withdrawal-${requestId}`, 'activityTaskCancelRequestedEventAttributes', 2);
    await engine.database.db.update(wallets).set({ status: 'ACTIVE' });
    await untilVoided(engine, requestId);
    await startMining(engine);
    return requestId;
  }),
  one('said-to-be-paid-by-hand-but-paid-by-us-first', async (engine) => {
    await stopMining(engine);
    const requestId = await accept(engine);
    await engine.until(requestId, ['BROADCASTED']);
    refuseSends(engine);
    await engine.handle(requestId).signal('markPaid', `0x${'ab'.repeat(32)}`);
    await untilVoided(engine, requestId);
    await startMining(engine);
    await engine.until(requestId, ['COMPLETED']);
    await engine.handle(requestId).signal('retry');
    pass(engine);
    return requestId;
  }),
  one('paid-by-hand-before-funds-were-held', async (engine) => {
    engine.proxy.inject({ kind: 'refuse' });
    const recipient = Wallet.createRandom().address;
    const requestId = await accept(engine, AMOUNT, 'USDC', recipient);
    await untilEvent(engine, `withdrawal-${requestId}`, 'activityTaskScheduledEventAttributes');
    await engine.handle(requestId).signal('markPaid', await payByHand(engine, recipient, AMOUNT));
    pass(engine);
    return requestId;
  }),
  one('parked-then-terminated-then-started-again', async (engine) => {
    const { requestId, restore } = await parkWithoutKey(engine);
    await engine.handle(requestId).terminate('by hand');
    await engine.client.workflow.execute('sweep', { taskQueue: 'withdrawals', workflowId: 'sweep-by-hand' });
    await untilEvent(engine, `withdrawal-${requestId}`, 'timerStartedEventAttributes');
    await restore();
    await engine.handle(requestId).signal('retry');
    return requestId;
  }),
  one('cancelled-after-it-was-mined', async (engine) => {
    // Final blocks do not come: it stays in its block, seen and not final.
    engine.proxy.inject({ kind: 'rewrite', change: (result, call) => (call.params[0] === 'finalized' ? { ...(result as object), number: '0x1' } : result) }, ['eth_getBlockByNumber']);
    const requestId = await accept(engine);
    await engine.until(requestId, ['CONFIRMING']);
    await engine.handle(requestId).signal('cancel');
    await untilEvent(engine, `withdrawal-${requestId}`, 'markerRecordedEventAttributes');
    pass(engine);
    return requestId;
  }),
  one('parked-then-retried', async (engine) => {
    const { requestId, restore } = await parkWithoutKey(engine);
    await restore();
    await engine.handle(requestId).signal('retry');
    return requestId;
  }),
  one('parked-then-cancelled', async (engine) => {
    const { requestId } = await parkWithoutKey(engine);
    await cancel(engine, requestId);
    return requestId;
  }),
  one('parked-reminded-then-paid-by-hand', async (engine) => {
    const { requestId, recipient } = await parkWithoutKey(engine);
    await untilEvent(engine, `withdrawal-${requestId}`, 'timerFiredEventAttributes', 6);
    // Not believed: another amount.
    await engine.handle(requestId).signal('markPaid', await payByHand(engine, recipient, AMOUNT + 1n));
    await untilTimeline(engine, requestId, 'mark-paid not believed');
    await engine.handle(requestId).signal('markPaid', 'no hash at all');
    await engine.handle(requestId).signal('markPaid', await payByHand(engine, recipient, AMOUNT));
    return requestId;
  }, { settings: (settings) => ({ ...settings, deadLetters: { escalateAfterMs: [1_000, 2_000] } }) }),
  one('refused-then-voided-then-retried', async (engine) => {
    engine.proxy.inject({ kind: 'error', message: 'refused for no reason anyone knows' }, ['eth_sendRawTransaction']);
    const requestId = await accept(engine);
    await engine.until(requestId, ['DEAD_LETTERED'], 120_000);
    pass(engine);
    await untilTimeline(engine, requestId, 'nonce voided: nothing was paid');
    await engine.handle(requestId).signal('retry');
    return requestId;
  }),
  one('short-payment-parked-then-made-up-by-hand', async (engine) => {
    await payIn(engine, 'USDC', 'TestFeeToken');
    const recipient = Wallet.createRandom().address;
    const requestId = await accept(engine, AMOUNT, 'USDC', recipient);
    const { paidTxHash } = await engine.until(requestId, ['DEAD_LETTERED'], 120_000);
    const { logs } = await engine.chain.rpc.call<{ logs: { topics: string[]; data: string }[] }>('eth_getTransactionReceipt', [paidTxHash]);
    const recipientTopic = `0x${recipient.slice(2).toLowerCase().padStart(64, '0')}`;
    const got = logs.filter(({ topics }) => topics[2] === recipientTopic).reduce((sum, { data }) => sum + BigInt(data), 0n);
    const provider = chainClient(engine.chain.url, engine.chain.chainId);
    try {
      // Minted straight to the recipient: a token that takes a fee on transfer takes none there.
      const token = new Contract(engine.chain.tokens.TestFeeToken, ['function mint(address to, uint256 amount)'], treasury(provider));
      const sent = (await token.getFunction('mint').send(recipient, AMOUNT - got)) as { hash: string };
      await engine.handle(requestId).signal('markPaid', sent.hash);
    } finally {
      provider.destroy();
    }
    return requestId;
  }),
  {
    name: 'guardian-fills-a-gap',
    guardians: true,
    async walk(engine) {
      const { ports, chain: { chainId }, wallets: [wallet = ''] } = engine;
      const held = await engine.accept({ currency: 'USDC', toAddress: Wallet.createRandom().address, amount: AMOUNT, started: false });
      await makeReserveFunds(ports)({ requestId: held });
      await takeNonce(ports, { requestId: held, chainId, walletAddress: wallet as Address, window: 64 });
      const later = await accept(engine);
      await engine.until(later, ['BROADCASTED']);
      await makeCloseUnpaid(ports)({ requestId: held, status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'it leaves a gap' });
      await engine.handle(later).result();
      return [guardianIdOf(chainId, wallet)];
    },
  },
  {
    name: 'webhook-tried-twice-then-given-up',
    webhooks: true,
    settings: (settings) => ({ ...settings, webhooks: { ...settings.webhooks, timeoutMs: 500, retryWaitsSeconds: [0.2] } }),
    async walk(engine) {
      const { database: { db }, ports: { webhookKey } } = engine;
      // Nobody listens there.
      const endpoint = { ownerId: OWNER, url: 'http://127.0.0.1:9/', description: '', events: ['withdrawal.completed' as const] };
      await createEndpoint(db, endpoint, { seal: (id) => sealWebhookSecret(webhookKey, id, makeWebhookSecret()), perOwnerMax: 1, now: new Date() });
      await engine.handle(await accept(engine)).result();
      await until('a message that was given up', async () => (await db.query.webhookDeliveries.findFirst())?.state === 'FAILED');
      const delivery = await db.query.webhookDeliveries.findFirst();
      const workflowId = deliveryWorkflowIdOf(delivery?.id ?? 0, 1);
      await engine.client.workflow.getHandle(workflowId).result();
      return [workflowId];
    },
  },
  {
    name: 'treasury',
    async walk(engine) {
      await engine.client.workflow.execute('treasury', { taskQueue: 'withdrawals', workflowId: 'treasury-by-hand' });
      return ['treasury-by-hand'];
    },
  },
  {
    name: 'audit-chained',
    async walk(engine) {
      await engine.client.workflow.execute('auditChain', { taskQueue: 'withdrawals', workflowId: 'audit-by-hand' });
      return ['audit-by-hand'];
    },
  },
  {
    name: 'sweep',
    async walk(engine) {
      await engine.client.workflow.execute('sweep', { taskQueue: 'withdrawals', workflowId: 'sweep-by-hand' });
      return ['sweep-by-hand'];
    },
  },
  {
    name: 'reconcile',
    async walk(engine) {
      await engine.handle(await accept(engine)).result();
      await engine.client.workflow.execute('reconcile', { taskQueue: 'withdrawals', workflowId: 'reconcile-by-hand' });
      return ['reconcile-by-hand'];
    },
  },
];

/** An engine as the scenario wants it. */
export const engineFor = (scenario: Scenario): Promise<TestEngine> =>
  startEngine({ plainPayloads: true, ...(scenario.settings && { settings: scenario.settings }), ...(scenario.guardians && { guardians: true }), ...(scenario.webhooks && { webhooks: {} }) });
