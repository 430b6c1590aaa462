import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insertDecision } from '../../../db/repositories/policy/policy-decisions.ts';
import { commitCancelIntent } from '../../../db/repositories/withdrawals/cancel-intent.ts';
import { getWithdrawal } from '../../../db/repositories/withdrawals/withdrawals.ts';
import { approvals, withdrawalEvents } from '../../../db/schema/index.ts';
import { approvalHolds } from '../../../domain/approvals.ts';
import { transact } from '../../../db/transact.ts';
import type { WithdrawalStatus } from '../../../domain/status.ts';
import { startTestApi, type TestAccount, type TestApi } from '../../api.testkit.ts';
import { acceptOne, setWithdrawal } from '../../withdrawals.testkit.ts';

let api: TestApi;
beforeAll(async () => {
  // Nobody listens there: the row is the truth, and an answer must not need Temporal.
  api = await startTestApi({ temporalAddress: '127.0.0.1:9' });
});
afterAll(() => api.close());

/** A withdrawal that waits for two people, as the worker leaves it. */
async function awaiting(terms: { required?: number; approvers?: number[] | null; deadline?: Date; status?: WithdrawalStatus } = {}): Promise<string> {
  const requestId = await acceptOne(api);
  const { required = 2, approvers = null, deadline = new Date(Date.now() + 60_000), status = 'AWAITING_APPROVAL' } = terms;
  const now = new Date();
  await transact(api.database.db, (tx) =>
    insertDecision(tx, {
      requestId, policyVersion: 1, ruleId: 'large-ones-are-approved', ownerId: api.user.id, chainId: 80_002, currency: 'USDC', amount: 12_500_000n, limitBucket: now,
      approvalsRequired: required, approvers, approvalDeadline: deadline, decidedAt: now,
    }),
  );
  await setWithdrawal(api, requestId, { status });
  return requestId;
}

const say = (word: 'approve' | 'reject', requestId: string, by: TestAccount = api.admin, payload: object = word === 'approve' ? {} : { reason: 'not verified' }) =>
  api.app.inject({ method: 'POST', url: `/admin/transactions/${requestId}/${word}`, headers: { authorization: by.bearer, 'accept-language': 'en' }, payload });
const rows = (requestId: string) => api.database.db.select().from(approvals).where(eq(approvals.requestId, requestId));
const timeline = async (requestId: string) => (await api.database.db.select().from(withdrawalEvents).where(eq(withdrawalEvents.requestId, requestId))).map(({ type }) => type);

describe('POST /admin/transactions/:id/approve and …/reject', () => {
  it('commits a sealed word without Temporal, untold, and answers with the withdrawal and its approvals', async () => {
    const requestId = await awaiting();
    const response = await say('approve', requestId);
    expect(response.statusCode).toBe(202);
    expect(response.json()).toMatchObject({
      requestId,
      status: 'AWAITING_APPROVAL',
      approvals: { required: 2, deadline: expect.any(String), approvedAt: null, given: [{ approver: { id: api.admin.id, email: api.admin.email }, decision: 'APPROVE', reason: null, at: expect.any(String) }] },
    });
    const [row] = await rows(requestId);
    if (!row) throw new Error('no row');
    expect(row).toMatchObject({ approverId: api.admin.id, decision: 'APPROVE', toldAt: null, usedAt: null });
    expect(approvalHolds(api.sealKey, row, await getWithdrawal(api.database.db, requestId))).toBe(true);
    expect(api.logText()).toMatch(new RegExp(`"requestId":"${requestId}","accountId":${api.admin.id}.*a person decided`));
  });

  it('takes the same word again and writes nothing, also after the withdrawal went on', async () => {
    const requestId = await awaiting();
    await say('approve', requestId);
    const before = [await rows(requestId), await timeline(requestId)];
    expect((await say('approve', requestId)).statusCode).toBe(202);
    await setWithdrawal(api, requestId, { status: 'COMPLETED' });
    expect((await say('approve', requestId)).json()).toMatchObject({ status: 'COMPLETED', approvals: { given: [{ decision: 'APPROVE' }] } });
    expect([await rows(requestId), await timeline(requestId)]).toEqual(before);
  });

  it('keeps the reason of a rejection from the owner, and who gave it', async () => {
    const requestId = await awaiting();
    const rejected = await say('reject', requestId, api.admin, { reason: '  unknown recipient ' });
    expect(rejected.json()).toMatchObject({ approvals: { given: [{ approver: { id: api.admin.id }, decision: 'REJECT', reason: 'unknown recipient' }] } });
    expect((await api.get(`/withdrawals/${requestId}`)).json()).toMatchObject({ approvals: { required: 2, given: [{ approver: null, decision: 'REJECT', reason: null }] } });
    expect(JSON.stringify((await api.get(`/withdrawals/${requestId}`)).json())).not.toContain('unknown recipient');
  });

  it('shows no approvals where the policy asks for none', async () => {
    const requestId = await awaiting({ required: 0, status: 'PENDING' });
    expect((await api.get(`/withdrawals/${requestId}`, api.admin)).json()).not.toHaveProperty('approvals');
  });

  it.each<[string, Parameters<typeof awaiting>[0]]>([
    ['ended', { status: 'REJECTED' }],
    ['ended', { status: 'COMPLETED' }],
    ['not-awaiting-approval', { status: 'PENDING' }],
    ['not-awaiting-approval', { status: 'SIGNING' }],
    ['not-awaiting-approval', { status: 'DEAD_LETTERED' }],
    ['deadline-passed', { deadline: new Date(Date.now() - 1) }],
  ])('refuses with %s: %j', async (reason, terms) => {
    const requestId = await awaiting(terms);
    for (const word of ['approve', 'reject'] as const) {
      const response = await say(word, requestId);
      expect(response.statusCode).toBe(409);
      expect(response.json()).toMatchObject({ error: { code: 'INVALID_STATE', retryable: false }, details: [{ field: 'status', reason }] });
    }
    expect(await rows(requestId)).toEqual([]);
  });

  it('refuses the requester, who is not named, and the opposite of what one has said, each with its reason', async () => {
    const own = await awaiting();
    await setWithdrawal(api, own, { ownerId: api.admin.id });
    const named = await awaiting({ approvers: [api.approver.id] });
    const decided = await awaiting();
    await say('approve', decided);
    const refused = [
      [await say('approve', own), 'requester', 'cannot decide'],
      [await say('reject', own), 'requester', 'cannot decide'],
      [await say('approve', named), 'not-an-approver', 'policy does not name you'],
      [await say('reject', decided), 'decided-otherwise', 'already decided otherwise'],
    ] as const;
    for (const [response, reason, sentence] of refused) {
      expect(response.statusCode).toBe(409);
      expect(response.json()).toMatchObject({ error: { code: 'INVALID_STATE', message: expect.stringContaining(sentence) }, details: [{ reason }] });
    }
    expect((await say('approve', named, api.approver)).statusCode).toBe(202);
    expect(await rows(own)).toEqual([]);
    expect(await rows(decided)).toHaveLength(1);
  });

  it('refuses once a cancellation is committed', async () => {
    const requestId = await awaiting();
    await commitCancelIntent(api.database.db, requestId, 'all', new Date());
    expect((await say('approve', requestId)).json()).toMatchObject({ details: [{ reason: 'cancel-requested' }] });
    expect(await rows(requestId)).toEqual([]);
  });

  it('takes from twenty at once exactly as many as are asked for, each once', async () => {
    const requestId = await awaiting();
    const people = await Promise.all(Array.from({ length: 20 }, () => api.account('ADMIN')));
    const responses = await Promise.all([...people, ...people].map((person) => say('approve', requestId, person)));
    const taken = await rows(requestId);
    expect(taken).toHaveLength(2);
    for (const [index, response] of responses.entries()) {
      const isTaken = taken.some(({ approverId }) => approverId === people[index % 20]?.id);
      expect(response.statusCode).toBe(isTaken ? 202 : 409);
      if (!isTaken) expect(response.json()).toMatchObject({ details: [{ reason: 'decided' }] });
    }
    expect((await timeline(requestId)).filter((type) => type === 'approved by a person')).toHaveLength(2);
  });

  it('lets one rejection decide, and the word that comes first where both race', async () => {
    const requestId = await awaiting({ required: 1 });
    const [approve, reject] = await Promise.all([say('approve', requestId, api.admin), say('reject', requestId, api.approver)]);
    expect(new Set([approve.statusCode, reject.statusCode])).toEqual(new Set([202, 409]));
    expect(await rows(requestId)).toMatchObject([{ decision: approve.statusCode === 202 ? 'APPROVE' : 'REJECT' }]);
  });

  it('does not count a word that the API never gave', async () => {
    const requestId = await awaiting();
    await api.database.db.insert(approvals).values({ requestId, approverId: api.admin.id, decision: 'APPROVE', seal: '0'.repeat(64), createdAt: new Date() });
    const response = await say('approve', requestId);
    expect(response.statusCode).toBe(500);
    expect(response.json()).toMatchObject({ error: { code: 'SEAL_BROKEN' } });
  });

  it('is an ADMIN’s right, asked for before anything else is looked at', async () => {
    const requestId = await awaiting();
    expect((await say('approve', requestId, api.user)).statusCode).toBe(403);
    expect((await say('reject', 'nonsense', api.user, {})).statusCode).toBe(403);
    expect((await api.app.inject({ method: 'POST', url: `/admin/transactions/${requestId}/approve` })).statusCode).toBe(401);
    expect((await say('approve', 'tx-1')).statusCode).toBe(404);
    expect(await rows(requestId)).toEqual([]);
  });

  it.each([{}, { reason: '' }, { reason: '   ' }, { reason: 'x'.repeat(256) }, { reason: 5 }, { reason: 'x', more: 1 }])('refuses to reject with %j', async (payload) => {
    const requestId = await awaiting();
    expect((await say('reject', requestId, api.admin, payload)).statusCode).toBe(400);
    expect(await rows(requestId)).toEqual([]);
  });
});

describe('POST /admin/transactions/:id/cancel', () => {
  const cancel = (requestId: string, by: TestAccount) => api.app.inject({ method: 'POST', url: `/admin/transactions/${requestId}/cancel`, headers: { authorization: by.bearer } });

  it('is the owner’s cancellation by an ADMIN, and says what came of it', async () => {
    const requestId = await awaiting();
    expect((await cancel(requestId, api.user)).statusCode).toBe(403);
    const response = await cancel(requestId, api.admin);
    expect(response.statusCode).toBe(202);
    expect(response.json()).toMatchObject({ requestId, cancellation: { requestedAt: expect.any(String), result: 'pending' } });
    expect((await cancel(requestId, api.admin)).json()).toMatchObject({ cancellation: response.json<{ cancellation: object }>().cancellation });
    await setWithdrawal(api, requestId, { status: 'COMPLETED' });
    expect((await api.get(`/withdrawals/${requestId}`)).json()).toMatchObject({ cancellation: { result: 'paid-first' } });
    expect((await cancel(requestId, api.admin)).json()).toMatchObject({ error: { code: 'INVALID_STATE' }, details: [{ reason: 'ended' }] });
    expect((await cancel('tx-1', api.admin)).statusCode).toBe(404);
  });

  it('is not spoken of where nobody asked', async () => {
    const requestId = await awaiting();
    expect((await api.get(`/withdrawals/${requestId}`)).json()).not.toHaveProperty('cancellation');
  });
});
