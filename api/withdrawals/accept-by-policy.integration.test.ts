import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { policies } from '../../db/schema/index.ts';
import { parseAddress } from '../../domain/address.ts';
import type { Rule } from '../../domain/policy.ts';
import { putInForce, putOnList, REST } from '../../tests/harness/policies.ts';
import { BODY, startTestApi, type TestApi } from '../api.testkit.ts';
import { acceptOne, setWithdrawal } from '../withdrawals.testkit.ts';

const CHANGE_SEEN_MS = 5_000;

let api: TestApi;
const newAddress = () => parseAddress(`0x${randomBytes(20).toString('hex')}`);
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const rules = (): Rule[] => [
  { id: 'this-client', when: { clients: [api.stranger.email] }, action: { deny: 'POLICY_DENIED' } },
  { id: 'a-payment', when: { amount: { above: '100' }, currencies: ['USDC'] }, action: { deny: 'LIMIT_EXCEEDED' } },
  { id: 'an-hour', when: { total: { of: 'client', window: 'hour', above: '60' }, currencies: ['POL'] }, action: { deny: 'LIMIT_EXCEEDED' } },
  { id: 'few', when: { count: { of: 'client', window: 'day', above: 5 }, currencies: ['POL'] }, action: { deny: 'LIMIT_EXCEEDED' } },
  { id: 'elsewhere', when: { destination: 'not-allowlisted', currencies: ['USDC'], amount: { above: '50' } }, action: { deny: 'ADDRESS_NOT_ALLOWED' } },
  REST,
];

describe('POST /withdrawals without a policy', () => {
  it('accepts, and holds: the withdrawal waits for one', async () => {
    expect((await api.post({ ...BODY, amount: '900' })).statusCode).toBe(202);
  });

  it('sees one that comes into force within moments', async () => {
    await putInForce(api.database, ...rules());
    await expect.poll(async () => (await api.post({ ...BODY, amount: '900' })).statusCode, { timeout: CHANGE_SEEN_MS }).toBe(422);
  });
});

describe('POST /withdrawals by the policy', () => {
  it.each<[string, object, number, string, string, object[]]>([
    ['one payment', { amount: '100.000001' }, 422, 'LIMIT_EXCEEDED', '100 USDC', [{ field: 'amount', reason: 'amount' }]],
    ['an hour, by itself', { currency: 'POL', amount: '60.5' }, 422, 'LIMIT_EXCEEDED', '60 POL in the last 60 minutes', [{ field: 'amount', reason: 'hour-total' }]],
    ['a recipient who is not on the allowlist', { amount: '51' }, 422, 'ADDRESS_NOT_ALLOWED', 'not allowed', [{ field: 'toAddress', reason: 'refused' }]],
  ])('refuses at once what no waiting would change: %s', async (_, change, status, code, words, details) => {
    const key = randomBytes(8).toString('hex');
    const before = await api.countWithdrawals();
    const english = await api.post({ ...BODY, ...change }, { 'idempotency-key': key, 'accept-language': 'en' });
    expect([english.statusCode, english.json()]).toMatchObject([status, { error: { code, message: expect.stringContaining(words), retryable: false }, details }]);
    const korean = await api.post({ ...BODY, ...change }, { 'idempotency-key': key });
    expect(korean.json<{ error: { message: string } }>().error.message).toMatch(/[가-힣]/);
    expect(await api.countWithdrawals()).toBe(before);
    // The key was not consumed.
    expect((await api.post(BODY, { 'idempotency-key': key })).statusCode).toBe(202);
  });

  it('refuses a client by the e-mail address of the account', async () => {
    const response = await api.post(BODY, { authorization: api.stranger.bearer, 'accept-language': 'en' });
    expect([response.statusCode, response.json()]).toMatchObject([422, { error: { code: 'POLICY_DENIED', message: expect.stringMatching(/polic/i) } }]);
  });

  it('refuses the denylist, before every rule, and lets the allowlist pass where a rule asks for it', async () => {
    const [denied, allowed] = [newAddress(), newAddress()];
    await putOnList(api.database, { list: 'DENY', address: denied });
    await putOnList(api.database, { list: 'ALLOW', address: allowed });
    expect((await api.post({ ...BODY, amount: '1', toAddress: denied.toLowerCase() })).json()).toMatchObject({ error: { code: 'ADDRESS_NOT_ALLOWED' } });
    expect((await api.post({ ...BODY, amount: '51', toAddress: allowed })).statusCode).toBe(202);
  });

  it('accepts what depends on what was counted: it is judged where limits are held', async () => {
    for (let index = 0; index < 7; index += 1) expect((await api.post({ ...BODY, currency: 'POL', amount: '60' })).statusCode).toBe(202);
  });

  it.each([
    ['LIMIT_EXCEEDED', '한도', 'limit'],
    ['ADDRESS_NOT_ALLOWED', '주소', 'address'],
    ['POLICY_DENIED', '정책', 'policy'],
  ] as const)('shows what was denied later as rejected by %s, in both languages', async (errorCode, korean, english) => {
    const requestId = await acceptOne(api);
    await setWithdrawal(api, requestId, { status: 'REJECTED', errorCode, errorMessage: "denied by the policy's rule fraud-suspected" });
    for (const [language, words] of [['ko', korean], ['en', english]] as const) {
      const view = await api.get(`/withdrawals/${requestId}`, api.user, { 'accept-language': language });
      expect(view.json()).toMatchObject({ status: 'REJECTED', outcome: 'NOT_PAID', errorCode, errorMessage: expect.stringContaining(words), retryable: false });
      // How a rule is called is the operators' business.
      expect(view.json<{ errorMessage: string }>().errorMessage).not.toContain('fraud');
    }
  });

  it('keeps the answer of what was accepted before', async () => {
    const headers = { 'idempotency-key': 'accepted-before' };
    const first = await api.post(BODY, headers);
    await api.database.db.delete(policies);
    await putInForce(api.database, { id: 'nothing', when: { networks: ['polygon'] }, action: { allow: true } });
    await expect.poll(async () => (await api.post(BODY)).json<{ error?: { code: string } }>().error?.code, { timeout: CHANGE_SEEN_MS }).toBe('POLICY_DENIED');
    expect((await api.post(BODY, headers)).json()).toEqual(first.json());
  });

  it('takes rules it cannot read for none', async () => {
    await api.database.db.update(policies).set({ document: { rules: [{ id: 'x', when: { weekday: 'monday' }, action: { allow: true } }] } as never });
    await expect.poll(async () => (await api.post(BODY)).statusCode, { timeout: CHANGE_SEEN_MS }).toBe(202);
  });
});
