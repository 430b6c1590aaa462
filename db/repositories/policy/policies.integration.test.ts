import { eq } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Policy } from '../../../domain/policy.ts';
import { OPEN_POLICY } from '../../../tests/harness/policies.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { policies } from '../../schema/index.ts';
import { LIVE } from '../../schema/policies.ts';
import { isDuplicateKey } from '../../transact.ts';
import { approvePolicy, ensureFirstPolicy, findLivePolicy, lockLivePolicy, pagePolicies, proposePolicy, rejectPolicy, rulesOf } from './policies.ts';
import { inTransaction, range } from '../repositories.testkit.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
  await ensureFirstPolicy(database.db, database.sealKey, OPEN_POLICY);
});
afterEach(() => database.close());

const PROPOSER = 1;
const APPROVER = 2;
const rulesNamed = (id: string): Policy => ({ rules: [{ id, when: {}, action: { allow: true } }] });
const propose = async (id = 'changed', proposedBy = PROPOSER): Promise<number> => {
  const proposal = await proposePolicy(database.db, database.sealKey, { document: rulesNamed(id), reason: 'a test', proposedBy });
  if (proposal.kind !== 'done') throw new Error(proposal.reason);
  return proposal.row.version;
};
const approve = (version: number, by = APPROVER) => approvePolicy(database.db, database.sealKey, version, by);
const reject = (version: number, by = APPROVER) => rejectPolicy(database.db, database.sealKey, version, { rejectedBy: by, reason: 'no' });
const refused = (reason: string) => expect.objectContaining({ kind: 'refused', reason });
const liveRows = () => database.db.select().from(policies).where(eq(policies.status, 'LIVE'));
const failureOf = async (work: PromiseLike<unknown>) => work.then(() => null, (error: unknown) => error);

describe('a proposal', () => {
  it('changes nothing until somebody else approves it; then one version is live, the former one retired', async () => {
    const version = await propose();
    expect(await findLivePolicy(database.db)).toMatchObject({ version: 1, document: OPEN_POLICY });
    expect(await approve(version)).toMatchObject({ kind: 'done', row: { status: 'LIVE', decidedBy: APPROVER, decidedAt: expect.any(Date) } });
    expect(await liveRows()).toMatchObject([{ version, liveKey: LIVE, document: rulesNamed('changed') }]);
    expect((await pagePolicies(database.db, { limit: 10 })).rows).toMatchObject([{ version, status: 'LIVE' }, { version: 1, status: 'RETIRED', liveKey: null }]);
  });

  it('made again by the same person, also a hundred times at once, is one draft', async () => {
    const versions = await Promise.all(range(100).map(() => propose()));
    expect(new Set(versions).size).toBe(1);
    expect(await propose('changed', APPROVER)).not.toBe(versions[0]);
    expect(await propose('other')).not.toBe(versions[0]);
    await approve(versions[0] as number);
    expect(await propose()).toBe(versions[0]);
  });

  it('is refused where too many wait', async () => {
    for (const index of range(100)) await propose(`rule-${index}`);
    expect(await proposePolicy(database.db, database.sealKey, { document: rulesNamed('one-more'), reason: 'a test', proposedBy: PROPOSER })).toEqual({ kind: 'refused', reason: 'too-many-drafts' });
    // Decided by another going live: they stand on a version that is no longer in force.
    await approve(2);
    expect(await propose('one-more')).toBe(102);
  });

  it('is not approved by whoever made it, whatever the code above says', async () => {
    const version = await propose();
    expect(await approve(version, PROPOSER)).toEqual(refused('own-proposal'));
    const byHand = (decidedBy: number | null) => failureOf(database.db.update(policies).set({ status: 'LIVE', decidedBy }).where(eq(policies.version, version)));
    expect(await byHand(PROPOSER)).toMatchObject({ cause: { errno: expect.any(Number), message: expect.stringContaining('policies_two_people') } });
    expect(await byHand(null)).toMatchObject({ cause: { message: expect.stringContaining('policies_two_people') } });
    expect(await liveRows()).toMatchObject([{ version: 1 }]);
  });

  it('on a version that is no longer in force is refused, and can still be rejected', async () => {
    const first = await propose('first');
    const second = await propose('second');
    await approve(first);
    expect(await approve(second)).toEqual(refused('outdated'));
    expect(await reject(second)).toMatchObject({ kind: 'done', row: { status: 'REJECTED', decisionReason: 'no' } });
    expect(await approve(second)).toEqual(refused('not-draft'));
  });

  it('answers a repeat as before, also after it was retired', async () => {
    const version = await propose();
    const first = await approve(version);
    expect(await approve(version)).toEqual(first);
    expect(await approve(version, 3)).toEqual(refused('not-draft'));
    expect(await reject(version)).toEqual(refused('not-draft'));
    await approve(await propose('next'));
    expect(await approve(version)).toMatchObject({ kind: 'done', row: { status: 'RETIRED' } });
  });

  it('may be taken back by whoever made it, and answers that again', async () => {
    const version = await propose();
    const rejected = await reject(version, PROPOSER);
    expect(rejected).toMatchObject({ kind: 'done', row: { status: 'REJECTED' } });
    expect(await reject(version, PROPOSER)).toEqual(rejected);
    expect(await reject(version, APPROVER)).toEqual(refused('not-draft'));
  });

  it('that does not exist is not found', async () => {
    expect(await approve(99)).toEqual({ kind: 'not-found' });
    expect(await reject(99)).toEqual({ kind: 'not-found' });
  });
});

describe('a hundred approvals at once', () => {
  it('of a hundred drafts: one becomes live', async () => {
    const versions: number[] = [];
    for (const index of range(100)) versions.push(await propose(`rule-${index}`));
    const answers = await Promise.all(versions.map((version, index) => approve(version, 2 + index)));
    expect(answers.filter(({ kind }) => kind === 'done')).toHaveLength(1);
    expect(answers.filter((answer) => answer.kind === 'refused' && answer.reason === 'outdated')).toHaveLength(99);
    expect(await liveRows()).toHaveLength(1);
  });

  it('of one draft by a hundred people: one of them put it in force', async () => {
    const version = await propose();
    const answers = await Promise.all(range(100, 2).map((by) => approve(version, by)));
    expect(answers.filter(({ kind }) => kind === 'done')).toHaveLength(1);
    expect(await liveRows()).toMatchObject([{ version }]);
  });

  it('where no version was live: one becomes live', async () => {
    await database.db.delete(policies);
    const versions: number[] = [];
    for (const index of range(20)) versions.push(await propose(`rule-${index}`));
    const answers = await Promise.all(versions.map((version) => approve(version)));
    expect(answers.filter(({ kind }) => kind === 'done')).toHaveLength(1);
    expect(await liveRows()).toHaveLength(1);
  });

  it('and rejections of one draft: one decision stands', async () => {
    const version = await propose();
    const answers = await Promise.all(range(40, 2).map((by) => (by % 2 === 0 ? approve(version, by) : reject(version, by))));
    expect(answers.filter(({ kind }) => kind === 'done')).toHaveLength(1);
  });
});

describe('the live version', () => {
  it('is found by everyone who holds its row while others replace it, in versions that only rise', async () => {
    const seen: number[] = [];
    const replaced = new AbortController();
    const readers = range(6).map(async () => {
      while (!replaced.signal.aborted) {
        await inTransaction(database.db, async (tx) => {
          seen.push((await lockLivePolicy(tx)).version);
        });
      }
    });
    for (const index of range(30)) await approve(await propose(`rule-${index}`));
    replaced.abort();
    await Promise.all(readers);
    expect(seen).toEqual(seen.toSorted((left, right) => left - right));
    expect(new Set(seen).size).toBeGreaterThan(5);
  });

  it('is one, by the key', async () => {
    const failure = await failureOf(database.db.insert(policies).values({ status: 'LIVE', liveKey: LIVE, document: OPEN_POLICY, reason: 'a second', proposedAt: new Date() }));
    expect(isDuplicateKey(failure)).toBe(true);
  });

  it('that cannot be read is none: withdrawals wait', () => {
    expect(() => rulesOf({ version: 1, document: { rules: [{ id: 'x', when: { weekday: 'monday' }, action: { allow: true } }] } as unknown as Policy })).toThrow(expect.objectContaining({ code: 'POLICY_MISSING' }));
  });

  it('is put there first once, however many starts there are', async () => {
    await database.db.delete(policies);
    await Promise.all(range(10).map((index) => ensureFirstPolicy(database.db, database.sealKey, rulesNamed(`rule-${index}`))));
    expect(await database.db.$count(policies)).toBe(1);
  });
});

describe('pages', () => {
  it('give every version once, newest first, by status', async () => {
    for (const index of range(5)) await approve(await propose(`rule-${index}`));
    const seen: number[] = [];
    for (let before: number | undefined; ; ) {
      const { rows, next } = await pagePolicies(database.db, { status: 'RETIRED', before, limit: 2 });
      seen.push(...rows.map(({ version }) => version));
      if (next === null) break;
      before = next;
    }
    expect(seen).toEqual([5, 4, 3, 2, 1]);
  });
});
