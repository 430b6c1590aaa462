import { eq } from 'drizzle-orm';
import { Wallet } from 'ethers';
import type { RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listOpenAlerts } from '../db/repositories/operations/alerts.ts';
import { createUser } from '../db/repositories/accounts/users.ts';
import { approvals, listedAddresses, withdrawalRequests } from '../db/schema/index.ts';
import { sealApproval } from '../domain/approvals.ts';
import type { Address } from '../domain/address.ts';
import type { Policy } from '../domain/policy.ts';
import { putOnList } from '../tests/harness/policies.ts';
import { startBench, type Bench } from './activities.testkit.ts';
import { makeSign } from './sign.ts';

const unit = (units: number): bigint => BigInt(units) * 1_000_000n;
const SMALL = unit(1);
/** needs the allowlist */
const TO_FRIENDS = unit(600);
/** two people are asked for it */
const LARGE = unit(1_500);
/** five of them are within the day's limit, six are not */
const SHARE = unit(400);

const POLICY: Policy = {
  rules: [
    { id: 'a-day', when: { clients: ['limited@example.com', 'other@example.com'], total: { of: 'client', window: 'day', above: '2000' } }, action: { deny: 'LIMIT_EXCEEDED' } },
    { id: 'large', when: { amount: { atLeast: '1000' } }, action: { approvals: { required: 2, withinMs: 60_000 } } },
    { id: 'strangers', when: { amount: { atLeast: '500' }, destination: 'not-allowlisted' }, action: { deny: 'ADDRESS_NOT_ALLOWED' } },
    { id: 'rest', when: {}, action: { allow: true } },
  ],
};

describe('who can write to the database', () => {
  let bench: Bench;
  const people: Record<string, number> = {};
  const sql = (text: string, ...values: unknown[]) => bench.engine.database.pool.query(text, values);
  beforeAll(async () => {
    bench = await startBench({ settings: (settings) => ({ ...settings, policy: POLICY, chain: { ...settings.chain, inFlightWindow: 500 } }) });
    for (const name of ['owner', 'first', 'second', 'third', 'limited', 'other']) {
      people[name] = await createUser(bench.ports.db, { email: `${name}@example.com`, passwordHash: '', role: 'ADMIN', now: new Date() });
    }
  });
  afterAll(() => bench.engine.stop());

  /** Does something to a table by hand; the returned function puts back its rows as they were. */
  async function byHand(table: string, text: string, ...values: unknown[]): Promise<() => Promise<void>> {
    const [rows] = (await sql(`SELECT * FROM ${table}`)) as [RowDataPacket[], unknown];
    await sql(text, ...values);
    return async () => {
      await sql(`DELETE FROM ${table}`);
      for (const row of rows) await sql(`INSERT INTO ${table} SET ?`, { ...row });
    };
  }

  const pay = (requestId: string, sign = bench.sign) => sign({ requestId, mode: 'pay' });
  async function say(requestId: string, name: string): Promise<number> {
    const approverId = people[name] ?? 0;
    const seal = sealApproval(bench.engine.sealKey, { decision: 'APPROVE', approverId }, await bench.engine.row(requestId));
    const [{ insertId }] = await bench.ports.db.insert(approvals).values({ requestId, approverId, decision: 'APPROVE', seal, createdAt: new Date() });
    return insertId;
  }
  async function funded({ amount = SMALL, to = Wallet.createRandom().address, owner = 'owner' } = {}): Promise<string> {
    const requestId = await bench.engine.accept({ currency: 'USDC', toAddress: to, amount, ownerId: people[owner] ?? 0, started: false });
    expect(await bench.reserveFunds({ requestId })).toMatchObject({ kind: 'reserved' });
    return requestId;
  }
  async function approved(): Promise<string> {
    const requestId = await funded({ amount: LARGE });
    await say(requestId, 'first');
    await say(requestId, 'second');
    return requestId;
  }
  async function toFriend(): Promise<{ requestId: string; listing: number; to: Address }> {
    const to = Wallet.createRandom().address as Address;
    const listing = await putOnList(bench.ports, { list: 'ALLOW', address: to });
    return { requestId: await funded({ amount: TO_FRIENDS, to }), listing, to };
  }

  /** Nothing is signed, however often it is tried, and one person is called once. */
  async function expectRefused(requestId: string, code: string, row: string | null): Promise<void> {
    for (let tries = 0; tries < 2; tries += 1) await expect(pay(requestId)).rejects.toMatchObject({ type: code, nonRetryable: true });
    expect(await bench.attempts(requestId)).toEqual([]);
    expect(await bench.noncesOf(requestId)).toEqual([]);
    expect(await listOpenAlerts(bench.ports.db, requestId)).toMatchObject(row === null ? [] : [{ kind: 'SEAL_BROKEN', timesSeen: 2, detail: { row } }]);
  }

  type Change = [what: string, table: string, text: string, code: 'SEAL_BROKEN' | 'APPROVAL_MISSING', row: string | null];

  it.each<Change>([
    ['the recipient', 'withdrawal_requests', "UPDATE withdrawal_requests SET to_address = '0x52908400098527886E0F7030069857D2E4169EE7' WHERE request_id = ?", 'SEAL_BROKEN', 'request'],
    ['the amount', 'withdrawal_requests', 'UPDATE withdrawal_requests SET amount = amount + 1 WHERE request_id = ?', 'SEAL_BROKEN', 'request'],
    ['the owner', 'withdrawal_requests', 'UPDATE withdrawal_requests SET owner_id = owner_id + 1 WHERE request_id = ?', 'SEAL_BROKEN', 'request'],
    ['the currency', 'withdrawal_requests', "UPDATE withdrawal_requests SET currency = 'USDT' WHERE request_id = ?", 'SEAL_BROKEN', 'request'],
    ['the token', 'withdrawal_requests', 'UPDATE withdrawal_requests SET token_address = NULL WHERE request_id = ?', 'SEAL_BROKEN', 'request'],
    ['the decimals', 'withdrawal_requests', 'UPDATE withdrawal_requests SET decimals = 18 WHERE request_id = ?', 'SEAL_BROKEN', 'request'],
    ['the chain', 'withdrawal_requests', 'UPDATE withdrawal_requests SET chain_id = 137 WHERE request_id = ?', 'SEAL_BROKEN', 'request'],
    ['the seal itself', 'withdrawal_requests', "UPDATE withdrawal_requests SET seal = REPEAT('0', 64) WHERE request_id = ?", 'SEAL_BROKEN', 'request'],
    ['who approved', 'approvals', "UPDATE approvals SET approver_id = (SELECT id FROM users WHERE email = 'third@example.com') WHERE request_id = ? LIMIT 1", 'SEAL_BROKEN', 'approval'],
    ['what an approver said', 'approvals', "UPDATE approvals SET decision = 'REJECT' WHERE request_id = ? LIMIT 1", 'SEAL_BROKEN', 'approval'],
    ["an approval's seal", 'approvals', 'UPDATE approvals SET seal = SHA2(seal, 256) WHERE request_id = ? LIMIT 1', 'SEAL_BROKEN', 'approval'],
    ['an approval, by deleting it', 'approvals', 'DELETE FROM approvals WHERE request_id = ? LIMIT 1', 'APPROVAL_MISSING', null],
    ['the rule that decided', 'policy_decisions', "UPDATE policy_decisions SET rule_id = 'rest', approvals_required = 0 WHERE request_id = ?", 'SEAL_BROKEN', 'decision'],
    ['the version that decided', 'policy_decisions', 'UPDATE policy_decisions SET policy_version = policy_version + 7 WHERE request_id = ?', 'SEAL_BROKEN', 'decision'],
    ['how many must approve', 'policy_decisions', 'UPDATE policy_decisions SET approvals_required = 1 WHERE request_id = ?', 'SEAL_BROKEN', 'decision'],
    ['when it was decided', 'policy_decisions', 'UPDATE policy_decisions SET decided_at = decided_at - INTERVAL 1 DAY WHERE request_id = ?', 'SEAL_BROKEN', 'decision'],
    ['the decision, by deleting it', 'policy_decisions', 'DELETE FROM policy_decisions WHERE request_id = ?', 'APPROVAL_MISSING', null],
  ])('and changes %s of a withdrawal has nothing signed, stops nobody else, and is undone by putting it back', async (_, table, text, code, row) => {
    const requestId = await approved();
    const mend = await byHand(table, text, requestId);
    await expectRefused(requestId, code, row);
    expect(await pay(await funded())).toMatchObject({ kind: 'signed' });
    await mendRow(table, requestId, mend);
    expect(await pay(requestId)).toMatchObject({ kind: 'signed' });
  });

  /** Puts back the rows of one withdrawal, and leaves what happened to others meanwhile. */
  async function mendRow(table: string, requestId: string, mend: () => Promise<void>): Promise<void> {
    const [others] = (await sql(`SELECT * FROM ${table} WHERE request_id <> ?`, requestId)) as [RowDataPacket[], unknown];
    await mend();
    await sql(`DELETE FROM ${table} WHERE request_id <> ?`, requestId);
    for (const other of others) await sql(`INSERT INTO ${table} SET ?`, { ...other });
  }

  it('and gives an approval to another withdrawal has neither signed', async () => {
    const [requestId, other] = [await funded({ amount: LARGE }), await approved()];
    await say(requestId, 'first');
    const mend = await byHand('approvals', "UPDATE approvals SET request_id = ? WHERE request_id = ? AND approver_id = (SELECT id FROM users WHERE email = 'second@example.com')", requestId, other);
    await expectRefused(requestId, 'SEAL_BROKEN', 'approval');
    await expectRefused(other, 'APPROVAL_MISSING', null);
    await mend();
    expect(await pay(other)).toMatchObject({ kind: 'signed' });
  });

  it.each<[string, string]>([
    ['its rules', `UPDATE policies SET document = '{"rules":[{"id":"large","when":{},"action":{"approvals":{"required":2,"withinMs":60000}}}]}' WHERE status = 'LIVE'`],
    ['its status', "UPDATE policies SET status = 'RETIRED' WHERE status = 'LIVE'"],
    ['when it came into force', "UPDATE policies SET decided_at = decided_at - INTERVAL 1 DAY WHERE status = 'LIVE'"],
    ['who approved it', "UPDATE policies SET decided_by = 1 WHERE status = 'LIVE'"],
    ['its seal', "UPDATE policies SET seal = REPEAT('a', 64) WHERE status = 'LIVE'"],
  ])('and changes of the policy %s has nothing signed by it', async (_, text) => {
    const requestId = await approved();
    const mend = await byHand('policies', text);
    await expectRefused(requestId, 'SEAL_BROKEN', 'policy');
    await mend();
    expect(await pay(requestId)).toMatchObject({ kind: 'signed' });
  });

  it('and takes the seal off the policy makes everything wait, with one call for a person', async () => {
    const [requestId, other] = [await approved(), await funded()];
    const mend = await byHand('policies', 'UPDATE policies SET seal = NULL');
    for (const id of [requestId, other, requestId]) await expect(pay(id)).rejects.toMatchObject({ type: 'POLICY_MISSING', nonRetryable: false });
    expect(await listOpenAlerts(bench.ports.db, 'policy 1')).toMatchObject([{ kind: 'SEAL_BROKEN', timesSeen: 3, detail: { reason: 'unsealed' } }]);
    await mend();
    expect(await pay(requestId)).toMatchObject({ kind: 'signed' });
    expect(await pay(other)).toMatchObject({ kind: 'signed' });
  });

  it.each<[string, string, string]>([
    ['whose it is', 'UPDATE listed_addresses SET owner_id = 77 WHERE id = ?', 'listing'],
    ['its list', "UPDATE listed_addresses SET list = 'DENY' WHERE id = ?", 'denylist'],
    ['who approved it', 'UPDATE listed_addresses SET decided_by = 1 WHERE id = ?', 'listing'],
    ['its status', "UPDATE listed_addresses SET status = 'REMOVAL_PROPOSED' WHERE id = ?", 'listing'],
    ['it, by deleting it', 'DELETE FROM listed_addresses WHERE id = ?', 'decision'],
  ])('and changes of an entry of the allowlist %s has nothing signed by it', async (_, text, row) => {
    const { requestId, listing } = await toFriend();
    const mend = await byHand('listed_addresses', text, listing);
    await expectRefused(requestId, 'SEAL_BROKEN', row);
    expect(await pay(await funded())).toMatchObject({ kind: 'signed' });
    await mend();
    expect(await pay(requestId)).toMatchObject({ kind: 'signed' });
  });

  it('and puts an address on the allowlist by hand has nothing signed by it', async () => {
    const to = Wallet.createRandom().address as Address;
    await sql("INSERT INTO listed_addresses (list, network, address, status, open_key, reason, proposed_by, proposed_at, live_at, decided_by, decided_at, seal) VALUES ('ALLOW', 'polygon-amoy', ?, 'LIVE', ?, 'mine', 1, '2026-01-01', '2026-01-01', 2, '2026-01-01', REPEAT('0', 64))", to, to);
    const requestId = await funded({ amount: TO_FRIENDS, to });
    await expectRefused(requestId, 'SEAL_BROKEN', 'listing');
    await bench.ports.db.delete(listedAddresses).where(eq(listedAddresses.address, to));
    await expectRefusedByRow(requestId, 'decision');
  });

  async function expectRefusedByRow(requestId: string, row: string): Promise<void> {
    await expect(pay(requestId)).rejects.toMatchObject({ type: 'SEAL_BROKEN', details: [{ parameters: { row } }] });
    expect(await bench.attempts(requestId)).toEqual([]);
  }

  it.each<[string, string, string]>([
    ['deletes the entry', 'DELETE FROM listed_addresses WHERE id = ?', 'denylist'],
    ['says that it was removed', "UPDATE listed_addresses SET status = 'REMOVED', removal_proposed_by = 1, removal_decided_by = 2 WHERE id = ?", 'denylist'],
    ['says that it was only proposed', "UPDATE listed_addresses SET status = 'PROPOSED' WHERE id = ?", 'denylist'],
    ['gives it to another client', 'UPDATE listed_addresses SET owner_id = 77 WHERE id = ?', 'listing'],
    ['puts another address in its place', "UPDATE listed_addresses SET address = '0x52908400098527886E0F7030069857D2E4169EE7' WHERE id = ?", 'denylist'],
  ])('and for a recipient that was denied %s has nothing signed', async (_, text, row) => {
    const to = Wallet.createRandom().address as Address;
    const [requestId, other] = [await funded({ to }), await funded()];
    const listing = await putOnList(bench.ports, { list: 'DENY', address: to });
    const mend = await byHand('listed_addresses', text, listing);
    await expectRefused(requestId, 'SEAL_BROKEN', row);
    expect(await pay(other)).toMatchObject({ kind: 'signed' });
    await mend();
    await expect(pay(requestId)).rejects.toMatchObject({ type: 'ADDRESS_NOT_ALLOWED' });
    expect(await bench.attempts(requestId)).toEqual([]);
  });

  it('and deletes both a denied address and its link leaves a neighbour that still names it', async () => {
    const to = Wallet.createRandom().address as Address;
    const requestId = await funded({ to });
    const listing = await putOnList(bench.ports, { list: 'DENY', address: to });
    const mendEntry = await byHand('listed_addresses', 'DELETE FROM listed_addresses WHERE id = ?', listing);
    const mendLink = await byHand('denylist_links', 'DELETE FROM denylist_links WHERE address = ?', to.toLowerCase());
    await expectRefused(requestId, 'SEAL_BROKEN', 'denylist');
    await mendLink();
    const mendNext = await byHand('denylist_links', 'UPDATE denylist_links SET next_address = NULL WHERE next_address = ?', to.toLowerCase());
    await expectRefusedByRow(requestId, 'denylist');
    await mendNext();
    const mendAll = await byHand('denylist_links', 'DELETE FROM denylist_links');
    await expectRefusedByRow(requestId, 'denylist');
    await mendAll();
    await mendEntry();
    await expect(pay(requestId)).rejects.toMatchObject({ type: 'ADDRESS_NOT_ALLOWED' });
  });

  it('and puts somebody on the denylist by hand has nothing signed to them, which calls a person', async () => {
    const to = Wallet.createRandom().address as Address;
    const requestId = await funded({ to });
    await sql("INSERT INTO listed_addresses (list, network, address, status, open_key, reason, proposed_by, proposed_at, live_at, decided_by, decided_at) VALUES ('DENY', 'polygon-amoy', ?, 'LIVE', ?, 'mine', 1, '2026-01-01', '2026-01-01', 2, '2026-01-01')", to, to);
    await expectRefused(requestId, 'SEAL_BROKEN', 'denylist');
    await bench.ports.db.delete(listedAddresses).where(eq(listedAddresses.address, to));
    expect(await pay(requestId)).toMatchObject({ kind: 'signed' });
  });

  describe('and lowers what was counted against a limit', () => {
    /** Another process of the signing service, which has signed nothing yet. */
    const another = () => makeSign(bench.ports);
    const lowerCounters = () => sql('UPDATE limit_buckets SET amount = 0');
    const limited = () => funded({ amount: SHARE, owner: 'limited' });
    const paid: string[] = [];
    beforeAll(async () => {
      for (let index = 0; index < 5; index += 1) paid.push(await limited());
      for (const requestId of paid) expect(await pay(requestId)).toMatchObject({ kind: 'signed' });
    });

    it('has the counters pass one too many, and nothing signed for it', async () => {
      const honest = await bench.engine.accept({ currency: 'USDC', toAddress: Wallet.createRandom().address, amount: SHARE, ownerId: people['limited'] ?? 0, started: false });
      expect(await bench.reserveFunds({ requestId: honest })).toMatchObject({ kind: 'denied', code: 'LIMIT_EXCEEDED' });
      await lowerCounters();
      const requestId = await limited();
      await expectRefused(requestId, 'SEAL_BROKEN', 'limits');
      await expect(pay(requestId, another())).rejects.toMatchObject({ type: 'SEAL_BROKEN', details: [{ parameters: { row: 'limits' } }] });
      expect(await pay(await funded())).toMatchObject({ kind: 'signed' });
      // What ends unpaid after all is given back to the client, here as in the counters.
      const [first] = paid;
      await bench.ports.db.update(withdrawalRequests).set({ status: 'CANCELLED' }).where(eq(withdrawalRequests.requestId, first ?? ''));
      expect(await pay(requestId)).toMatchObject({ kind: 'signed' });
      await bench.ports.db.update(withdrawalRequests).set({ status: 'SIGNED' }).where(eq(withdrawalRequests.requestId, first ?? ''));
    });

    it('has only one of two pass that are too much together, also in the wrong order', async () => {
      const share = () => funded({ amount: SHARE, owner: 'other' });
      for (let index = 0; index < 4; index += 1) expect(await pay(await share())).toMatchObject({ kind: 'signed' });
      const first = await share();
      await lowerCounters();
      const second = await share();
      const sign = another();
      expect(await pay(second, sign)).toMatchObject({ kind: 'signed' });
      await expect(pay(first, sign)).rejects.toMatchObject({ type: 'SEAL_BROKEN', details: [{ parameters: { row: 'limits' } }] });
      expect(await bench.attempts(first)).toEqual([]);
    });

    it.each<[string, string, string]>([
      ['amount', 'withdrawal_requests', 'UPDATE withdrawal_requests SET amount = 1 WHERE request_id = ?'],
      ['owner', 'withdrawal_requests', 'UPDATE withdrawal_requests SET owner_id = owner_id + 1 WHERE request_id = ?'],
      ['row, by deleting it,', 'withdrawal_requests', 'DELETE FROM withdrawal_requests WHERE request_id = ?'],
      ['time of decision', 'policy_decisions', 'UPDATE policy_decisions SET decided_at = decided_at - INTERVAL 2 DAY WHERE request_id = ?'],
    ])('or the %s of what was signed before: a signer that still reads it signs nothing, one that had read it is not deceived', async (_, table, text) => {
      await lowerCounters();
      const requestId = await limited();
      const mend = await byHand(table, text, paid[1]);
      await expect(pay(requestId, another())).rejects.toMatchObject({ type: 'SEAL_BROKEN', details: [{ parameters: { row: 'signed withdrawal', withdrawal: paid[1] } }] });
      await expect(pay(requestId)).rejects.toMatchObject({ type: 'SEAL_BROKEN', details: [{ parameters: { row: 'limits' } }] });
      await mend();
      await expect(pay(requestId, another())).rejects.toMatchObject({ type: 'SEAL_BROKEN', details: [{ parameters: { row: 'limits' } }] });
      expect(await bench.attempts(requestId)).toEqual([]);
    });

    it('or the decision of what was signed before, by deleting it: as after a recovery it counts all the same', async () => {
      await lowerCounters();
      const requestId = await limited();
      const mend = await byHand('policy_decisions', 'DELETE FROM policy_decisions WHERE request_id = ?', paid[1]);
      await expect(pay(requestId, another())).rejects.toMatchObject({ type: 'SEAL_BROKEN', details: [{ parameters: { row: 'limits' } }] });
      await mend();
      expect(await bench.attempts(requestId)).toEqual([]);
    });
  });
});
