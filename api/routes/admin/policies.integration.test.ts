import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { takeLimits, bucketOf } from '../../../db/repositories/policy/limits.ts';
import { ensureFirstPolicy } from '../../../db/repositories/policy/policies.ts';
import { limitBuckets, listedAddresses, policies, users } from '../../../db/schema/index.ts';
import { transact } from '../../../db/transact.ts';
import type { Policy } from '../../../domain/policy.ts';
import { OPEN_POLICY, putOnList } from '../../../tests/harness/policies.ts';
import { RECIPIENT, startTestApi, type TestAccount, type TestApi } from '../../api.testkit.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  await api.database.db.delete(policies);
  await ensureFirstPolicy(api.database.db, api.sealKey, OPEN_POLICY);
});

type Method = 'GET' | 'PUT' | 'POST';
const call = (method: Method, path: string, payload?: object, by: TestAccount | null = api.admin) =>
  api.app.inject({ method, url: `/admin/policies${path}`, headers: { ...(by && { authorization: by.bearer }), 'accept-language': 'en' }, ...(payload && { payload }) });

const RULES: Policy['rules'] = [
  { id: 'a-hundred', when: { amount: { above: '100' } }, action: { deny: 'LIMIT_EXCEEDED' } },
  { id: 'rest', when: {}, action: { allow: true } },
];
interface View {
  version: number;
  status: string;
}
const propose = async (by = api.admin, rules = RULES) => (await call('PUT', '', { rules, reason: 'a test' }, by)).json<View>();
const list = async (query = '') => (await call('GET', query)).json<{ items: View[]; nextCursor: string | null }>();

describe('a policy', () => {
  it('is proposed by one admin, approved by another, and kept on record', async () => {
    const proposed = await call('PUT', '', { rules: RULES, reason: 'a test' });
    expect(proposed.statusCode).toBe(202);
    const draft = proposed.json<View>();
    const [{ version: first }] = (await list('?status=LIVE')).items as [View];
    expect(draft).toEqual({
      version: expect.any(Number), status: 'DRAFT', rules: RULES, reason: 'a test', baseVersion: first, proposedBy: api.admin.email,
      proposedAt: expect.stringMatching(/Z$/), decidedBy: null, decidedAt: null, decisionReason: null,
    });
    expect((await call('PUT', '', { rules: RULES, reason: 'again' })).json()).toEqual(draft);

    const own = await call('POST', `/${draft.version}/approve`);
    expect([own.statusCode, own.json()]).toMatchObject([409, { error: { code: 'INVALID_STATE', message: expect.stringContaining('Another admin') }, details: [{ reason: 'own-proposal' }] }]);
    const approved = await call('POST', `/${draft.version}/approve`, undefined, api.approver);
    expect([approved.statusCode, approved.json()]).toEqual([200, { ...draft, status: 'LIVE', decidedBy: api.approver.email, decidedAt: expect.any(String) }]);
    expect((await call('POST', `/${draft.version}/approve`, undefined, api.approver)).json()).toEqual(approved.json());
    expect((await list()).items).toMatchObject([{ version: draft.version, status: 'LIVE' }, { version: first, status: 'RETIRED', proposedBy: null }]);

    const lines = api.logText().split('\n').filter((line) => /policy (proposed|approved)/.test(line)).map((line) => JSON.parse(line) as object);
    expect(lines).toEqual(expect.arrayContaining([expect.objectContaining({ message: 'policy proposed', accountId: api.admin.id, version: draft.version }), expect.objectContaining({ message: 'policy approved', accountId: api.approver.id, version: draft.version })]));
  });

  it('is rejected with a reason, by its proposer too', async () => {
    const { version } = await propose();
    const rejected = await call('POST', `/${version}/reject`, { reason: 'a mistake' });
    expect([rejected.statusCode, rejected.json()]).toMatchObject([200, { status: 'REJECTED', decisionReason: 'a mistake', decidedBy: api.admin.email }]);
    expect((await call('POST', `/${version}/reject`, { reason: 'again' })).json()).toEqual(rejected.json());
    const late = await call('POST', `/${version}/approve`, undefined, api.approver);
    expect([late.statusCode, late.json()]).toMatchObject([409, { details: [{ field: 'status', reason: 'not-draft' }] }]);
  });

  it('proposed before another came into force is outdated', async () => {
    const [mine, theirs] = [await propose(api.admin), await propose(api.approver)];
    expect((await call('POST', `/${theirs.version}/approve`)).statusCode).toBe(200);
    const late = await call('POST', `/${mine.version}/approve`, undefined, api.approver);
    expect([late.statusCode, late.json()]).toMatchObject([409, { details: [{ reason: 'outdated' }] }]);
  });

  it('is approved by a hundred calls at once, once', async () => {
    const { version } = await propose();
    const answers = await Promise.all(Array.from({ length: 100 }, () => call('POST', `/${version}/approve`, undefined, api.approver)));
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
    expect((await list('?status=LIVE')).items).toMatchObject([{ version }]);
  });

  it.each<[string, unknown, string, string?]>([
    ['no rules', [], 'rules'],
    ['a rule it does not know', [{ id: 'x', when: { weekday: 'monday' }, action: { allow: true } }], 'rules.0.when.weekday'],
    ['an amount as a number', [{ id: 'x', when: { amount: { above: 5 } }, action: { allow: true } }], 'rules.0.when.amount.above'],
    ['two rules of one name', [{ ...RULES[0] }, { ...RULES[0] }], 'rules.1.id'],
    ['a rule behind one that always decides', [RULES[1], RULES[0]], 'rules.1'],
    ['a client nobody knows', [{ id: 'x', when: { clients: ['nobody@example.com'] }, action: { deny: 'POLICY_DENIED' } }], 'rules.0.when.clients', 'unknown-account'],
    ['an approver nobody knows', [{ id: 'x', when: {}, action: { approvals: { required: 1, approvers: ['nobody@example.com'], withinMs: 1_000 } } }], 'rules.0.action.approvals.approvers', 'unknown-account'],
    ['fewer approvers than required', [{ id: 'x', when: {}, action: { approvals: { required: 2, approvers: ['nobody@example.com'], withinMs: 1_000 } } }], 'rules.0.action.approvals.approvers'],
    ['a currency nobody pays', [{ id: 'x', when: { currencies: ['DOGE'] }, action: { deny: 'POLICY_DENIED' } }], 'rules.0.when.currencies', 'unknown-currency'],
    ['a network that is none', [{ id: 'x', when: { networks: ['polygon-amo'] }, action: { deny: 'POLICY_DENIED' } }], 'rules.0.when.networks', 'unknown-network'],
  ])('with %s is refused, and the place named', async (_, rules, field, reason) => {
    const response = await call('PUT', '', { rules, reason: 'a test' });
    expect([response.statusCode, response.json()]).toMatchObject([400, { error: { code: 'VALIDATION_FAILED' } }]);
    expect(response.json<{ details: object[] }>().details).toEqual(expect.arrayContaining([{ field, reason: reason ?? expect.any(String) }]));
    expect((await list('?status=DRAFT')).items).toEqual([]);
  });

  it('may name clients and approvers that exist, however they are spelled; an approver is whoever may approve', async () => {
    const naming = (approver: string): Policy['rules'] => [{ id: 'x', when: { clients: [` ${api.user.email.toUpperCase()}`] }, action: { approvals: { required: 1, approvers: [approver], withinMs: 1_000 } } }];
    for (const { email } of [api.approver, await api.account('APPROVER')]) expect((await call('PUT', '', { rules: naming(email.toUpperCase()), reason: 'a test' })).statusCode).toBe(202);
    for (const { email } of [api.user, await api.account('AUDITOR')]) {
      const refused = await call('PUT', '', { rules: naming(email), reason: 'a test' });
      expect([refused.statusCode, refused.json()]).toMatchObject([400, { details: [{ reason: 'may-not-approve' }] }]);
    }
  });

  it('may be large', async () => {
    const clients = Array.from({ length: 1_000 }, (_, index) => `a-client-with-a-long-name-${index}@example.com`);
    const response = await call('PUT', '', { rules: [{ id: 'x', when: { clients }, action: { allow: true } }], reason: 'a test' });
    expect(response.json()).toMatchObject({ details: [{ reason: 'unknown-account' }] });
    expect((await call('PUT', '', { rules: RULES, reason: 'x'.repeat(300_000) })).statusCode).toBe(413);
  });

  it('is listed by pages, each version once', async () => {
    for (let index = 0; index < 5; index += 1) await propose(api.admin, [{ id: `rest-${index}`, when: {}, action: { allow: true } }]);
    const seen: number[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: { items: View[]; nextCursor: string | null } = await list(`?limit=2${cursor && `&cursor=${cursor}`}`);
      seen.push(...page.items.map(({ version }) => version));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(seen.toSorted((left, right) => right - left));
    expect(new Set(seen).size).toBe(6);
    for (const query of ['?cursor=xyz', '?cursor=MA', '?status=NEW', '?limit=0', '?page=1']) expect((await call('GET', query)).statusCode).toBe(400);
  });

  it('that does not exist is not found; a version is a number', async () => {
    expect((await call('POST', '/99999/approve')).statusCode).toBe(404);
    expect((await call('POST', '/99999/reject', { reason: 'x' })).statusCode).toBe(404);
    expect((await call('POST', '/one/approve')).statusCode).toBe(400);
  });
});

describe('trying a policy', () => {
  const withdrawal = (change: object = {}) => ({ amount: '50', currency: 'USDC', toAddress: RECIPIENT.toLowerCase(), network: 'polygon-amoy', client: api.user.email, ...change });
  const simulate = async (body: object) => (await call('POST', '/simulate', body)).json<object>();
  beforeEach(() => Promise.all([api.database.db.delete(limitBuckets), api.database.db.delete(listedAddresses)]));

  it('says what the live one would say, with the facts, and changes nothing', async () => {
    const { db } = api.database;
    await transact(db, (tx) => takeLimits(tx, { chainId: 80_002, ownerId: api.user.id, currency: 'USDC', amount: 7_500_000n }, bucketOf(new Date())));
    const before = { buckets: await db.select().from(limitBuckets), policies: await db.select().from(policies), withdrawals: await api.countWithdrawals() };
    const [live] = before.policies;
    expect(await simulate({ withdrawal: withdrawal() })).toEqual({
      version: live?.version,
      verdict: 'allowed',
      rule: 'everything-passes',
      errorCode: null,
      errorMessage: null,
      approvals: null,
      facts: {
        destination: 'unlisted',
        knownForMs: 0,
        usage: { client: { hourTotal: '7.5', dayTotal: '7.5', hourCount: 1, dayCount: 1 }, everyone: { hourTotal: '7.5', dayTotal: '7.5', hourCount: 1, dayCount: 1 } },
        walletBalance: null,
      },
      rules: [{ rule: 'everything-passes', holds: 'yes', conditions: [] }],
    });
    expect({ buckets: await db.select().from(limitBuckets), policies: await db.select().from(policies), withdrawals: await api.countWithdrawals() }).toEqual(before);
  });

  it('says which rule of the given ones would decide, and why those before it did not', async () => {
    const rules: Policy['rules'] = [
      { id: 'other', when: { currencies: ['POL'], amount: { above: '10' } }, action: { deny: 'POLICY_DENIED' } },
      { id: 'share', when: { walletShare: { abovePercent: 10 } }, action: { approvals: { required: 1, approvers: [api.approver.email], withinMs: 60_000 } } },
      { id: 'a-day', when: { total: { of: 'client', window: 'day', above: '40' } }, action: { deny: 'LIMIT_EXCEEDED' } },
    ];
    const other = { rule: 'other', holds: 'no', conditions: [{ condition: 'currencies', holds: 'no' }, { condition: 'amount', holds: 'yes' }] };
    expect(await simulate({ withdrawal: withdrawal(), policy: { rules } })).toMatchObject({ version: null, verdict: 'undetermined', rule: 'share', rules: [other, { rule: 'share', holds: 'unknown' }] });
    expect(await simulate({ withdrawal: withdrawal({ walletBalance: '400' }), policy: { rules } })).toMatchObject({ verdict: 'allowed', rule: 'share', approvals: { required: 1, approvers: [api.approver.email], withinMs: 60_000 } });
    expect(await simulate({ withdrawal: withdrawal({ walletBalance: '500' }), policy: { rules } })).toMatchObject({
      verdict: 'denied', rule: 'a-day', errorCode: 'LIMIT_EXCEEDED', errorMessage: expect.stringContaining('40 USDC in the last 24 hours'),
      rules: [other, { rule: 'share', holds: 'no' }, { rule: 'a-day', holds: 'yes' }],
    });
    expect(await simulate({ withdrawal: withdrawal({ amount: '0.01', walletBalance: '0' }), policy: { rules: [rules[1]] } })).toMatchObject({ verdict: 'allowed', rule: 'share' });
    expect(await simulate({ withdrawal: withdrawal({ currency: 'USDC' }), policy: { rules: [rules[0]] } })).toMatchObject({ verdict: 'denied', rule: 'closing-rule', errorCode: 'POLICY_DENIED' });
  });

  it('knows the lists, and the largest amount of the asset', async () => {
    await putOnList(api.database, { list: 'ALLOW', address: RECIPIENT });
    expect(await simulate({ withdrawal: withdrawal() })).toMatchObject({ facts: { destination: 'allowlisted' } });
    await putOnList(api.database, { list: 'DENY', address: RECIPIENT });
    expect(await simulate({ withdrawal: withdrawal() })).toMatchObject({ verdict: 'denied', rule: 'denylist', errorCode: 'ADDRESS_NOT_ALLOWED', facts: { destination: 'denylisted' }, rules: [] });
    expect(await simulate({ withdrawal: withdrawal({ amount: '1000' }) })).toMatchObject({ verdict: 'denied', rule: 'per-transaction', errorCode: 'LIMIT_EXCEEDED' });
  });

  it.each<[object, string]>([
    [{ client: 'nobody@example.com' }, 'VALIDATION_FAILED'],
    [{ currency: 'DOGE' }, 'UNSUPPORTED_CURRENCY'],
    [{ network: 'polygon' }, 'UNSUPPORTED_NETWORK'],
    [{ amount: '-1' }, 'INVALID_AMOUNT'],
    [{ toAddress: '0x1' }, 'INVALID_ADDRESS'],
    [{ walletBalance: 'much' }, 'INVALID_AMOUNT'],
    [{ amount: 5 }, 'VALIDATION_FAILED'],
  ])('refuses %o with %s', async (change, code) => {
    const response = await call('POST', '/simulate', { withdrawal: withdrawal(change) });
    expect([response.statusCode, response.json()]).toMatchObject([400, { error: { code } }]);
  });

  it('has nothing to say where no policy is live and none is given', async () => {
    await api.database.db.delete(policies);
    expect((await call('POST', '/simulate', { withdrawal: withdrawal() })).json()).toMatchObject({ error: { code: 'POLICY_MISSING' } });
    expect(await simulate({ withdrawal: withdrawal(), policy: { rules: RULES } })).toMatchObject({ verdict: 'allowed', version: null });
  });
});

describe('who may', () => {
  const CALLS: [Method, string][] = [['GET', ''], ['PUT', ''], ['POST', '/1/approve'], ['POST', '/1/reject'], ['POST', '/simulate']];

  it.each(CALLS)('%s %s: an ADMIN, asked before the body is judged', async (method, path) => {
    expect((await call(method, path, {}, null)).statusCode).toBe(401);
    expect((await call(method, path, {}, api.user)).statusCode).toBe(403);
    if (method !== 'GET' && !path.endsWith('approve')) expect((await call(method, path, {})).statusCode).toBe(400);
  });

  it('not an ADMIN whose account was closed', async () => {
    const { version } = await propose(api.approver);
    await api.database.db.update(users).set({ isActive: false }).where(eq(users.id, api.admin.id));
    try {
      // Accounts are remembered for a few seconds.
      await expect.poll(async () => (await call('POST', `/${version}/approve`)).statusCode, { timeout: 10_000 }).not.toBe(409);
    } finally {
      await api.database.db.update(users).set({ isActive: true }).where(eq(users.id, api.admin.id));
    }
  });
});
