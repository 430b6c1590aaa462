import { eq } from 'drizzle-orm';
import { Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitCancelIntent } from '../../db/repositories/withdrawals/cancel-intent.ts';
import { getFunds } from '../../db/repositories/payments/funds.ts';
import { findDecision } from '../../db/repositories/policy/policy-decisions.ts';
import { createUser } from '../../db/repositories/accounts/users.ts';
import type { WithdrawalRow } from '../../db/repositories/withdrawals/withdrawals.ts';
import { nonceReservations, policies } from '../../db/schema/index.ts';
import { parseAddress, type Address } from '../../domain/address.ts';
import type { DenialCode, Rule } from '../../domain/policy.ts';
import { startEngine, type TestEngine } from '../harness/engine.ts';
import { backdateListing, putInForce, putOnList, REST } from '../harness/policies.ts';
import { paidTo } from '../harness/transfers.ts';

const POL = 10n ** 18n;
const USDC = 1_000_000n;
const HOUR_MS = 3_600_000;
const CLIENT = 'client@example.com';

let engine: TestEngine;
let client: number;
beforeAll(async () => {
  engine = await startEngine();
  client = await createUser(engine.database.db, { email: CLIENT, passwordHash: 'none', role: 'USER', now: new Date() });
});
afterAll(() => engine.stop());
/** One who was paid nothing yet: what the cases before were let pass counts, for the signing service too. */
const newClient = (): number => (clients += 1);
let clients = 1_000;

const newAddress = (): Address => parseAddress(Wallet.createRandom().address);
const deny = (when: Rule['when'], code: DenialCode = 'LIMIT_EXCEEDED'): Rule => ({ id: 'rule', when, action: { deny: code } });

interface Asked {
  amount?: bigint;
  currency?: string;
  toAddress?: Address;
  ownerId?: number;
}
const accept = ({ amount = 10n * USDC, currency = 'USDC', toAddress = newAddress(), ownerId = client }: Asked = {}) => engine.accept({ amount, currency, toAddress, ownerId });
const noncesOf = (requestId: string) => engine.database.db.$count(nonceReservations, eq(nonceReservations.requestId, requestId));

async function expectPaid(asked: Asked = {}): Promise<void> {
  const row = await engine.until(await accept(asked), ['COMPLETED', 'REJECTED', 'FAILED']);
  expect(row).toMatchObject({ status: 'COMPLETED', errorCode: null });
  // Once, and the last address may have been paid before.
  expect((await paidTo(engine.chain, row.tokenAddress, row.toAddress)).total % row.amount).toBe(0n);
}

async function expectRejected(asked: Asked, code: DenialCode): Promise<WithdrawalRow> {
  const requestId = await accept(asked);
  const row = await engine.until(requestId, ['COMPLETED', 'REJECTED', 'FAILED']);
  expect(row).toMatchObject({ status: 'REJECTED', errorCode: code, walletAddress: null, txHash: null });
  expect(await engine.handle(requestId).result()).toBe('REJECTED');
  expect({ nonces: await noncesOf(requestId), funds: await getFunds(engine.database.db, requestId), decision: await findDecision(engine.database.db, requestId) }).toEqual({ nonces: 0, funds: null, decision: undefined });
  expect(await paidTo(engine.chain, row.tokenAddress, row.toAddress)).toMatchObject({ payments: 0 });
  return row;
}

describe('a rule lets pass what is within it and rejects the rest before a nonce is taken', () => {
  it.each<[string, Rule[], Asked[], Asked, DenialCode]>([
    ['one payment', [deny({ amount: { above: '10' } })], [{}], { amount: 10n * USDC + 1n }, 'LIMIT_EXCEEDED'],
    ["a client's day", [deny({ total: { of: 'client', window: 'day', above: '15' } })], [{ ownerId: 202 }, { ownerId: 99 }], { ownerId: 202, amount: 6n * USDC }, 'LIMIT_EXCEEDED'],
    ["a currency's hour", [deny({ currencies: ['USDT'], total: { of: 'everyone', window: 'hour', above: '15' } })], [{ currency: 'USDT' }, {}], { currency: 'USDT', ownerId: 99 }, 'LIMIT_EXCEEDED'],
    ["everyone's day", [deny({ total: { of: 'everyone', window: 'day', above: '15' } })], [{ currency: 'POL', amount: 10n * POL }], { currency: 'POL', amount: 10n * POL, ownerId: 99 }, 'LIMIT_EXCEEDED'],
    ['velocity', [deny({ count: { of: 'client', window: 'hour', above: 1 } })], [{ ownerId: 201 }, { ownerId: 301 }], { ownerId: 201, currency: 'USDT' }, 'LIMIT_EXCEEDED'],
    ['the share of the wallet', [deny({ walletShare: { abovePercent: 1 } })], [{}], { amount: 200_000n * USDC }, 'LIMIT_EXCEEDED'],
    ['the closing rule', [{ id: 'known', when: { currencies: ['USDC'] }, action: { allow: true } }], [{}], { currency: 'USDT' }, 'POLICY_DENIED'],
  ])('%s', async (_, rules, passing, failing, code) => {
    await putInForce(engine.database, ...rules, ...(code === 'POLICY_DENIED' ? [] : [REST]));
    for (const asked of passing) await expectPaid(asked);
    const row = await expectRejected(failing, code);
    expect(row.errorMessage).toContain(code === 'POLICY_DENIED' ? 'closing-rule' : 'rule');
  });

  it('a client who is paid out to the allowlist only', async () => {
    await putInForce(engine.database, deny({ clients: [CLIENT], destination: 'not-allowlisted' }, 'ADDRESS_NOT_ALLOWED'), REST);
    const address = newAddress();
    await putOnList(engine.database, { list: 'ALLOW', address, ownerId: client });
    await expectPaid({ toAddress: address });
    await expectPaid({ ownerId: 99 });
    await expectRejected({}, 'ADDRESS_NOT_ALLOWED');
  });

  it('the denylist', async () => {
    await putInForce(engine.database, REST);
    const address = newAddress();
    await putOnList(engine.database, { list: 'DENY', address });
    await expectRejected({ toAddress: address }, 'ADDRESS_NOT_ALLOWED');
    await expectPaid();
  });

  it('cooling off', async () => {
    await putInForce(engine.database, deny({ newAddress: { withinMs: HOUR_MS } }), REST);
    const address = newAddress();
    const id = await putOnList(engine.database, { list: 'ALLOW', address });
    await expectRejected({ toAddress: address }, 'LIMIT_EXCEEDED');
    await backdateListing(engine.database, id, new Date(Date.now() - HOUR_MS));
    await expectPaid({ toAddress: address });
  });
});

describe('limits', () => {
  it('stay taken while a withdrawal waits for people, and are given back once it ends unpaid', async () => {
    const large: Rule = { id: 'large', when: { amount: { atLeast: '10' } }, action: { approvals: { required: 1, withinMs: HOUR_MS } } };
    await putInForce(engine.database, deny({ total: { of: 'client', window: 'day', above: '15' } }), large, REST);
    const ownerId = newClient();
    const waiting = await accept({ ownerId });
    await engine.until(waiting, ['AWAITING_APPROVAL']);
    await expectRejected({ ownerId, amount: 6n * USDC }, 'LIMIT_EXCEEDED');
    expect(await commitCancelIntent(engine.database.db, waiting, 'all', new Date())).toMatchObject({ kind: 'intended' });
    await engine.handle(waiting).signal('cancel');
    await engine.until(waiting, ['CANCELLED']);
    expect(await noncesOf(waiting)).toBe(0);
    await expectPaid({ ownerId, amount: 6n * USDC });
    await expectRejected({ ownerId }, 'LIMIT_EXCEEDED');
  });

  it('are given back by an approval that did not come in time', async () => {
    const limit = deny({ total: { of: 'client', window: 'day', above: '15' } });
    await putInForce(engine.database, limit, { id: 'large', when: { amount: { atLeast: '10' } }, action: { approvals: { required: 1, withinMs: 1_000 } } }, REST);
    const ownerId = newClient();
    const requestId = await accept({ ownerId });
    expect(await engine.until(requestId, ['REJECTED'])).toMatchObject({ errorCode: 'APPROVAL_EXPIRED' });
    await putInForce(engine.database, limit, REST);
    await expectPaid({ ownerId });
  });
});

describe('without a live policy', () => {
  it('a withdrawal waits, and is paid once somebody has approved one', async () => {
    await engine.database.db.delete(policies);
    const requestId = await accept();
    const tries = async () => (await engine.handle(requestId).describe()).raw.pendingActivities?.[0];
    await expect.poll(async () => (await tries())?.attempt ?? 0, { timeout: 30_000 }).toBeGreaterThan(1);
    expect((await tries())?.lastFailure?.applicationFailureInfo?.type).toBe('POLICY_MISSING');
    expect((await engine.row(requestId)).status).toBe('PENDING');
    await putInForce(engine.database, REST);
    await engine.until(requestId, ['COMPLETED']);
  });
});

describe('at rest', () => {
  it('no nonce was lost to what was denied', async () => {
    const rows = await engine.database.db.select().from(nonceReservations);
    const taken = rows.filter(({ state }) => state === 'CONSUMED').map(({ nonce }) => nonce).toSorted((left, right) => left - right);
    expect(taken).toEqual(taken.map((_, index) => index));
    expect(taken.length).toBeGreaterThan(10);
  });
});
