import { eq } from 'drizzle-orm';
import { Wallet, parseEther } from 'ethers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listedAddresses, limitBuckets, nonceReservations, policies, policyDecisions, withdrawalRequests } from '../db/schema/index.ts';
import { findDecision } from '../db/repositories/policy/policy-decisions.ts';
import { createUser } from '../db/repositories/accounts/users.ts';
import { parseAddress, type Address } from '../domain/address.ts';
import type { Conditions, DenialCode, Rule } from '../domain/policy.ts';
import { putInForce, putOnList, REST } from '../tests/harness/policies.ts';
import { interrupted, startBench, type Bench } from './activities.testkit.ts';
import { makeReserveFunds } from './reserve-funds.ts';

const USDC = 1_000_000n;
const HOUR_MS = 3_600_000;

let bench: Bench;
beforeAll(async () => {
  bench = await startBench({ wallets: 2, settings: (settings) => ({ ...settings, chain: { ...settings.chain, blockTimeMs: 60_000 } }) });
});
afterAll(() => bench.engine.stop());
beforeEach(async () => {
  // Each test counts anew: what earlier ones were let pass is no part of it.
  await bench.ports.db.delete(limitBuckets);
});

let accounts = 0;
async function account(email = `Client-${(accounts += 1)}@Example.com`): Promise<{ id: number; email: string }> {
  return { email, id: await createUser(bench.ports.db, { email, passwordHash: 'none', role: 'USER', now: new Date() }) };
}
const newAddress = (): Address => parseAddress(Wallet.createRandom().address);
const deny = (when: Conditions, code: DenialCode = 'LIMIT_EXCEEDED'): Rule => ({ id: 'rule', when, action: { deny: code } });

interface Asked {
  ownerId?: number;
  toAddress?: Address;
  amount?: bigint;
  currency?: string;
}
const accept = ({ ownerId, toAddress = newAddress(), amount = 10n * USDC, currency = 'USDC' }: Asked = {}) => bench.engine.accept({ currency, toAddress, amount, started: false, ...(ownerId !== undefined && { ownerId }) });
const judged = async (asked: Asked = {}) => (await bench.reserveFunds({ requestId: await accept(asked) })).kind;
/** Moves a withdrawal into the past, or another row of its kind. */
const acceptedAgo = (requestId: string, ms: number) => bench.ports.db.update(withdrawalRequests).set({ createdAt: new Date(Date.now() - ms) }).where(eq(withdrawalRequests.requestId, requestId));

describe('a condition, against the real books', () => {
  it.each<[string, Conditions, Asked, Asked]>([
    ['network', { networks: ['polygon-amoy'], currencies: ['USDC'] }, {}, { currency: 'USDT' }],
    ['currency', { currencies: ['USDT'] }, { currency: 'USDT' }, {}],
    ['amount', { amount: { above: '10' } }, { amount: 10n * USDC + 1n }, { amount: 10n * USDC }],
    ['the native coin’s eighteen decimals', { amount: { above: '10' } }, { currency: 'POL', amount: parseEther('10') + 1n }, { currency: 'POL', amount: parseEther('10') }],
  ])('%s', async (_, when, denied, passed) => {
    await putInForce(bench.ports, deny(when), REST);
    expect(await judged(denied)).toBe('denied');
    expect(await judged(passed)).toBe('reserved');
  });

  it('client, by e-mail address however it is spelled', async () => {
    const { id, email } = await account();
    await putInForce(bench.ports, deny({ clients: [` ${email.toUpperCase()}`] }), REST);
    expect(await judged({ ownerId: id })).toBe('denied');
    expect(await judged({ ownerId: (await account()).id })).toBe('reserved');
  });

  it('destination: who is not on the allowlist, for the owner an entry is for', async () => {
    await putInForce(bench.ports, deny({ destination: 'not-allowlisted' }, 'ADDRESS_NOT_ALLOWED'), REST);
    const [everyones, ours] = [newAddress(), newAddress()];
    const { id } = await account();
    await putOnList(bench.ports, { list: 'ALLOW', address: everyones });
    await putOnList(bench.ports, { list: 'ALLOW', address: ours, ownerId: id });
    expect(await judged({ ownerId: id })).toBe('denied');
    expect(await judged({ ownerId: id, toAddress: everyones })).toBe('reserved');
    expect(await judged({ ownerId: id, toAddress: ours })).toBe('reserved');
    expect(await judged({ ownerId: (await account()).id, toAddress: ours })).toBe('denied');
  });

  it('the denylist, before every rule', async () => {
    await putInForce(bench.ports, REST);
    const address = newAddress();
    await putOnList(bench.ports, { list: 'ALLOW', address });
    await putOnList(bench.ports, { list: 'DENY', address });
    expect(await bench.reserveFunds({ requestId: await accept({ toAddress: address }) })).toEqual({ kind: 'denied', code: 'ADDRESS_NOT_ALLOWED', rule: 'denylist' });
  });

  it('a new address: known by an earlier request of the same client, not by waiting itself, nor by another client', async () => {
    await putInForce(bench.ports, deny({ newAddress: { withinMs: HOUR_MS } }), REST);
    const [{ id }, other] = [await account(), await account()];
    const toAddress = newAddress();
    const waiting = await accept({ ownerId: id, toAddress });
    await acceptedAgo(waiting, 2 * HOUR_MS);
    expect((await bench.reserveFunds({ requestId: waiting })).kind).toBe('denied');
    expect(await judged({ ownerId: other.id, toAddress })).toBe('denied');
    expect(await judged({ ownerId: id, toAddress })).toBe('reserved');
    // Asked for, but not long enough ago.
    const recent = newAddress();
    await acceptedAgo(await accept({ ownerId: id, toAddress: recent }), HOUR_MS - 60_000);
    expect(await judged({ ownerId: id, toAddress: recent })).toBe('denied');
  });

  it('a new address: known by the allowlist since its entry came into force', async () => {
    await putInForce(bench.ports, deny({ newAddress: { withinMs: HOUR_MS } }), REST);
    const address = newAddress();
    const id = await putOnList(bench.ports, { list: 'ALLOW', address });
    expect(await judged({ toAddress: address })).toBe('denied');
    await bench.ports.db.update(listedAddresses).set({ liveAt: new Date(Date.now() - HOUR_MS) }).where(eq(listedAddresses.id, id));
    expect(await judged({ toAddress: address })).toBe('reserved');
  });

  it.each([['hour', 'client'], ['day', 'client'], ['hour', 'everyone'], ['day', 'everyone']] as const)('the total of an %s of %s', async (window, of) => {
    await putInForce(bench.ports, deny({ total: { of, window, above: '25' } }), REST);
    const [{ id }, other] = [await account(), await account()];
    expect([await judged({ ownerId: id }), await judged({ ownerId: id }), await judged({ ownerId: id }), await judged({ ownerId: id, amount: 5n * USDC })]).toEqual(['reserved', 'reserved', 'denied', 'reserved']);
    expect(await judged({ ownerId: other.id })).toBe(of === 'client' ? 'reserved' : 'denied');
    expect(await judged({ ownerId: other.id, currency: 'USDT' })).toBe('reserved');
  });

  it.each([['hour', 'client'], ['day', 'everyone']] as const)('how many in an %s of %s, whatever the currency', async (window, of) => {
    await putInForce(bench.ports, deny({ count: { of, window, above: 2 } }), REST);
    const [{ id }, other] = [await account(), await account()];
    expect([await judged({ ownerId: id }), await judged({ ownerId: id, currency: 'USDT' }), await judged({ ownerId: id, currency: 'POL', amount: 1n })]).toEqual(['reserved', 'reserved', 'denied']);
    expect(await judged({ ownerId: other.id })).toBe(of === 'client' ? 'reserved' : 'denied');
  });

  it('the share of the paying wallet, each wallet by itself', async () => {
    await putInForce(bench.ports, deny({ walletShare: { abovePercent: 40 } }), REST);
    const [poor, rich] = bench.engine.wallets as [string, string];
    const hold = (address: string, pol: string) => bench.engine.chain.rpc.call('anvil_setBalance', [address, `0x${parseEther(pol).toString(16)}`]);
    await hold(poor, '100');
    await hold(rich, '1000');
    await bench.engine.redis.flushdb();
    // Too much of the one, not of the other: the other pays.
    expect(await bench.reserveFunds({ requestId: await accept({ currency: 'POL', amount: parseEther('50') }) })).toMatchObject({ kind: 'reserved', walletAddress: rich });
    expect(await bench.reserveFunds({ requestId: await accept({ currency: 'POL', amount: parseEther('500') }) })).toMatchObject({ kind: 'denied', code: 'LIMIT_EXCEEDED' });
  });
});

describe('a decision', () => {
  it('is written once, with its version, however many ask at once, and counted once', async () => {
    const version = await putInForce(bench.ports, REST);
    const { id } = await account();
    const requestId = await accept({ ownerId: id });
    const answers = await Promise.all(Array.from({ length: 10 }, () => bench.reserveFunds({ requestId })));
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['reserved']));
    expect(await findDecision(bench.ports.db, requestId)).toMatchObject({ policyVersion: version, ruleId: 'rest', approvalsRequired: 0, approvers: null, amount: 10n * USDC });
    expect(await bench.ports.db.select().from(limitBuckets).where(eq(limitBuckets.ownerId, id))).toMatchObject([{ amount: 10n * USDC, withdrawals: 1 }]);
  });

  it('names the approvers by account, those that exist', async () => {
    const boss = await account('boss@example.com');
    await putInForce(bench.ports, { id: 'rule', when: {}, action: { approvals: { required: 1, approvers: [' Boss@Example.com', 'nobody@example.com'], withinMs: 60_000 } } });
    const requestId = await accept();
    const before = Date.now();
    expect(await bench.reserveFunds({ requestId })).toMatchObject({ kind: 'reserved', awaitsApproval: true });
    const decision = await findDecision(bench.ports.db, requestId);
    expect(decision).toMatchObject({ approvalsRequired: 1, approvers: [boss.id], approvedAt: null });
    expect(decision?.approvalDeadline?.getTime()).toBeGreaterThanOrEqual(before + 60_000);
  });

  it('stands when the policy changes afterwards', async () => {
    await putInForce(bench.ports, REST);
    const requestId = await accept();
    const first = await bench.reserveFunds({ requestId });
    await putInForce(bench.ports, deny({}));
    expect(await bench.reserveFunds({ requestId })).toEqual(first);
  });

  it('is overtaken by the denylist until the first signature: what waited for people or was parked is not paid', async () => {
    await putInForce(bench.ports, REST);
    const toAddress = newAddress();
    const requestId = await accept({ toAddress });
    await bench.reserveFunds({ requestId });
    await putOnList(bench.ports, { list: 'DENY', address: toAddress });
    await expect(bench.sign({ requestId, mode: 'pay' })).rejects.toMatchObject({ type: 'ADDRESS_NOT_ALLOWED', nonRetryable: true });
    expect(await bench.ports.db.$count(nonceReservations, eq(nonceReservations.requestId, requestId))).toBe(0);
    expect(await bench.closeUnpaid({ requestId, status: 'FAILED', code: 'ADDRESS_NOT_ALLOWED', reason: 'test' })).toBe('FAILED');
    expect(await bench.ports.db.select().from(limitBuckets)).toMatchObject([{ withdrawals: 0 }, { withdrawals: 0 }]);
  });

  it('against it holds no funds, counts nothing and takes no nonce; it ends as rejected with the code', async () => {
    await putInForce(bench.ports, deny({}, 'POLICY_DENIED'));
    const requestId = await accept();
    const answer = await bench.reserveFunds({ requestId });
    expect(answer).toEqual({ kind: 'denied', code: 'POLICY_DENIED', rule: 'rule' });
    await bench.closeUnpaid({ requestId, status: 'REJECTED', code: 'POLICY_DENIED', reason: 'test' });
    expect(await bench.engine.row(requestId)).toMatchObject({ status: 'REJECTED', errorCode: 'POLICY_DENIED', walletAddress: null });
    expect(await bench.funds(requestId)).toBeNull();
    expect(await findDecision(bench.ports.db, requestId)).toBeUndefined();
    expect(await bench.ports.db.$count(limitBuckets)).toBe(0);
    expect(await bench.ports.db.$count(nonceReservations)).toBe(0);
    await expect(bench.reserveFunds({ requestId })).rejects.toMatchObject({ type: 'INVALID_STATE' });
  });

  it('is asked for while no wallet has the money, unless it depends on the wallet', async () => {
    const more = { currency: 'POL', amount: parseEther('900000') };
    await putInForce(bench.ports, deny({ amount: { above: '500000' } }), REST);
    expect(await judged(more)).toBe('denied');
    await putInForce(bench.ports, deny({ walletShare: { abovePercent: 1 } }), REST);
    expect(await judged(more)).toBe('short');
  });

  it('is not made of a withdrawal that ended meanwhile: nothing would give its limits back', async () => {
    await putInForce(bench.ports, REST);
    const requestId = await accept();
    await bench.reserveFunds({ requestId });
    // Held, but judged by nobody: as after a recovery.
    await bench.ports.db.delete(policyDecisions).where(eq(policyDecisions.requestId, requestId));
    await bench.ports.db.delete(limitBuckets);
    await bench.engine.redis.flushdb();
    const rpc = interrupted(bench.ports.rpc, 'eth_getBalance', () => bench.closeUnpaid({ requestId, status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'test' }));
    await expect(makeReserveFunds({ ...bench.ports, rpc })({ requestId })).rejects.toMatchObject({ type: 'INVALID_STATE' });
    expect(await findDecision(bench.ports.db, requestId)).toBeUndefined();
    expect(await bench.ports.db.$count(limitBuckets)).toBe(0);
  });

  it('is made of what is held and was judged by nobody', async () => {
    await putInForce(bench.ports, REST);
    const requestId = await accept();
    await bench.reserveFunds({ requestId });
    await bench.ports.db.delete(policyDecisions).where(eq(policyDecisions.requestId, requestId));
    const version = await putInForce(bench.ports, { ...REST, id: 'later' });
    const answers = await Promise.all([1, 2, 3].map(() => bench.reserveFunds({ requestId })));
    expect(answers).toMatchObject([{ kind: 'reserved' }, { kind: 'reserved' }, { kind: 'reserved' }]);
    expect(await findDecision(bench.ports.db, requestId)).toMatchObject({ policyVersion: version, ruleId: 'later' });
  });
});

describe('without a policy', () => {
  it('waits, also behind one that cannot be read, and goes on once one is live', async () => {
    const { db } = bench.ports;
    const requestId = await accept();
    const waits = () => expect(bench.reserveFunds({ requestId })).rejects.toMatchObject({ type: 'POLICY_MISSING', nonRetryable: false });
    await db.update(policies).set({ document: { rules: [{ id: 'x', when: { weekday: 'monday' }, action: { allow: true } }] } as never }).where(eq(policies.status, 'LIVE'));
    await waits();
    await db.delete(policies);
    await waits();
    expect((await bench.engine.row(requestId)).status).toBe('PENDING');
    await putInForce(bench.ports, REST);
    expect(await bench.reserveFunds({ requestId })).toMatchObject({ kind: 'reserved' });
  });
});
