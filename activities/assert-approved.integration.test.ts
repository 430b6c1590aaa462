import { eq } from 'drizzle-orm';
import { Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { approvals, policies, policyDecisions, withdrawalRequests } from '../db/schema/index.ts';
import { listOpenAlerts } from '../db/repositories/operations/alerts.ts';
import { createUser } from '../db/repositories/accounts/users.ts';
import { isDuplicateKey } from '../db/transact.ts';
import { sealApproval, type ApprovalDecision } from '../domain/approvals.ts';
import type { Policy } from '../domain/policy.ts';
import { sealPolicy } from '../domain/policy-seal.ts';
import { putInForce } from '../tests/harness/policies.ts';
import { startBench, type Bench } from './activities.testkit.ts';

/** Base units: 1,500 of the token, for which two people are asked; 4,500, for which one of two named ones is. */
const LARGE = 1_500_000_000n;
const BY_NAMED = 4_500_000_000n;
const SMALL = 1_000_000n;

const POLICY: Policy = {
  rules: [
    { id: 'named', when: { amount: { atLeast: '4000' } }, action: { approvals: { required: 1, withinMs: 60_000, approvers: ['first@example.com', 'Second@Example.com'] } } },
    { id: 'two', when: { amount: { atLeast: '1000' } }, action: { approvals: { required: 2, withinMs: 60_000 } } },
    { id: 'rest', when: {}, action: { allow: true } },
  ],
};

describe('the signer, of what it reads about policy and people', () => {
  let bench: Bench;
  const people: Record<string, number> = {};
  beforeAll(async () => {
    bench = await startBench({ settings: (settings) => ({ ...settings, policy: POLICY }) });
    for (const name of ['owner', 'first', 'second', 'third']) {
      people[name] = await createUser(bench.ports.db, { email: `${name}@example.com`, passwordHash: '', role: 'ADMIN', now: new Date() });
    }
  });
  afterAll(() => bench.engine.stop());

  const pay = (requestId: string) => bench.sign({ requestId, mode: 'pay' });
  /** A word as the API writes it down. */
  async function say(requestId: string, name: string, decision: ApprovalDecision = 'APPROVE'): Promise<number> {
    const approverId = people[name] ?? 0;
    const seal = sealApproval(bench.engine.sealKey, { decision, approverId }, await bench.engine.row(requestId));
    const [{ insertId }] = await bench.ports.db.insert(approvals).values({ requestId, approverId, decision, seal, createdAt: new Date() });
    return insertId;
  }
  async function approved(): Promise<string> {
    const requestId = await bench.funded('USDC', LARGE);
    await say(requestId, 'first');
    await say(requestId, 'second');
    return requestId;
  }
  const changeDecision = (requestId: string, change: Partial<typeof policyDecisions.$inferInsert>) => bench.ports.db.update(policyDecisions).set(change).where(eq(policyDecisions.requestId, requestId));
  const changeRequest = (requestId: string, change: Partial<typeof withdrawalRequests.$inferInsert>) => bench.ports.db.update(withdrawalRequests).set(change).where(eq(withdrawalRequests.requestId, requestId));
  const changeApproval = (id: number, change: Partial<typeof approvals.$inferInsert>) => bench.ports.db.update(approvals).set(change).where(eq(approvals.id, id));

  async function expectRefused(requestId: string, code: string, row?: string): Promise<void> {
    await expect(pay(requestId)).rejects.toMatchObject({ type: code, nonRetryable: true });
    expect(await bench.attempts(requestId)).toEqual([]);
    expect(await bench.noncesOf(requestId)).toEqual([]);
    expect(await listOpenAlerts(bench.ports.db, requestId)).toMatchObject(row === undefined ? [] : [{ kind: 'SEAL_BROKEN', detail: { row } }]);
  }

  it('signs what enough people have approved, and what needs nobody', async () => {
    expect(await pay(await approved())).toMatchObject({ kind: 'signed' });
    expect(await pay(await bench.funded('USDC', SMALL))).toMatchObject({ kind: 'signed' });
    const named = await bench.funded('USDC', BY_NAMED);
    await say(named, 'second');
    expect(await pay(named)).toMatchObject({ kind: 'signed' });
  });

  it.each<[string, (id: string) => Promise<unknown>]>([
    ['no word', async () => undefined],
    ['one of two', (id) => say(id, 'first')],
    ["the requester's word as the second", async (id) => [await say(id, 'first'), await say(id, 'owner')]],
    ['a rejection beside two approvals', async (id) => [await say(id, 'first'), await say(id, 'second'), await say(id, 'third', 'REJECT')]],
    ['a decision that was deleted', async (id) => [await say(id, 'first'), await say(id, 'second'), await bench.ports.db.delete(policyDecisions).where(eq(policyDecisions.requestId, id))]],
  ])('signs nothing with %s', async (_, happens) => {
    const requestId = await bench.funded('USDC', LARGE);
    await happens(requestId);
    await expectRefused(requestId, 'APPROVAL_MISSING');
  });

  it('signs nothing by the word of somebody the policy does not name, whatever the decision says', async () => {
    const requestId = await bench.funded('USDC', BY_NAMED);
    await say(requestId, 'third');
    await changeDecision(requestId, { approvers: [people['third'] ?? 0] });
    await expectRefused(requestId, 'APPROVAL_MISSING');
  });

  it.each<[string, (id: string) => Promise<unknown>]>([
    ['that are asked for nobody any more', (id) => changeDecision(id, { approvalsRequired: 0 })],
    ['that are asked for one person only', async (id) => [await changeDecision(id, { approvalsRequired: 1 }), await say(id, 'first')]],
    ['that another rule is said to have let pass', (id) => changeDecision(id, { ruleId: 'rest', approvalsRequired: 0 })],
    ['that a stricter rule is said to have let pass', async (id) => [await changeDecision(id, { ruleId: 'named', approvalsRequired: 1 }), await say(id, 'first')]],
    ['that a version there is none of is said to have let pass', (id) => changeDecision(id, { policyVersion: 99, approvalsRequired: 0 })],
  ])('calls a person for decisions %s', async (_, change) => {
    const requestId = await bench.funded('USDC', LARGE);
    await change(requestId);
    await expectRefused(requestId, 'SEAL_BROKEN', 'decision');
  });

  it('believes no version that was proposed only, or replaced before the withdrawal was accepted', async () => {
    const lenient: Policy = { rules: [{ id: 'rest', when: {}, action: { allow: true } }] };
    const longBefore = new Date(Date.now() - 3_600_000);
    /** A version as the API seals it. */
    const write = async (status: 'DRAFT' | 'RETIRED' | 'REJECTED', decidedAt: Date | null, retiredAt: Date | null = null) => {
      const [{ insertId }] = await bench.ports.db.insert(policies).values({ status, document: lenient, reason: 'test', proposedAt: longBefore, decidedAt, retiredAt });
      const [row] = await bench.ports.db.select().from(policies).where(eq(policies.version, insertId));
      await bench.ports.db.update(policies).set({ seal: sealPolicy(bench.engine.sealKey, row as NonNullable<typeof row>) }).where(eq(policies.version, insertId));
      return insertId;
    };
    const versions = [await write('DRAFT', null), await write('REJECTED', new Date()), await write('RETIRED', longBefore, new Date(Date.now() - 1_800_000))];
    for (const policyVersion of versions) {
      const requestId = await bench.funded('USDC', LARGE);
      await changeDecision(requestId, { policyVersion, ruleId: 'rest', approvalsRequired: 0 });
      await expectRefused(requestId, 'SEAL_BROKEN', 'decision');
    }
  });

  it('goes by the version that was in force, also after it was replaced', async () => {
    const requestId = await approved();
    await putInForce(bench.ports, { id: 'nothing', when: {}, action: { deny: 'POLICY_DENIED' } });
    expect(await pay(requestId)).toMatchObject({ kind: 'signed' });
    await putInForce(bench.ports, ...POLICY.rules);
  });

  it.each<[string, (id: string, words: [number, number]) => Promise<unknown>]>([
    ['without a seal', (_, [, second]) => changeApproval(second, { seal: '0'.repeat(64) })],
    ['of another person than sealed', (_, [, second]) => changeApproval(second, { approverId: people['third'] ?? 0 })],
    ['that was a rejection', (_, [, second]) => changeApproval(second, { decision: 'REJECT' })],
    ['copied from another withdrawal', async (id, [, second]) => {
      const other = await bench.funded('USDC', LARGE);
      await say(other, 'second');
      const [copied] = await bench.ports.db.select().from(approvals).where(eq(approvals.requestId, other));
      return [await bench.ports.db.delete(approvals).where(eq(approvals.id, second)), await bench.ports.db.insert(approvals).values({ requestId: id, approverId: copied?.approverId ?? 0, decision: 'APPROVE', seal: copied?.seal ?? '', createdAt: new Date() })];
    }],
  ])('calls a person for an approval %s', async (_, change) => {
    const requestId = await bench.funded('USDC', LARGE);
    const words: [number, number] = [await say(requestId, 'first'), await say(requestId, 'second')];
    await change(requestId, words);
    await expectRefused(requestId, 'SEAL_BROKEN', 'approval');
  });

  it.each<[string, Partial<typeof withdrawalRequests.$inferInsert>]>([
    ['amount', { amount: LARGE + 1n }],
    ['recipient', { toAddress: Wallet.createRandom().address as `0x${string}` }],
    ['requester, so that who asked could approve', { ownerId: 99 }],
    ['decimals, so that the amount reads as less', { decimals: 18 }],
    ['currency, so that another rule holds', { currency: 'USDT' }],
  ])('calls a person for a withdrawal whose %s was changed after it was approved', async (_, change) => {
    const requestId = await approved();
    await changeRequest(requestId, change);
    await expectRefused(requestId, 'SEAL_BROKEN', 'request');
  });

  it('hears each person once', async () => {
    const requestId = await bench.funded('USDC', LARGE);
    await say(requestId, 'third');
    await expect(say(requestId, 'third')).rejects.toSatisfy(isDuplicateKey);
    await expectRefused(requestId, 'APPROVAL_MISSING');
  });
});
