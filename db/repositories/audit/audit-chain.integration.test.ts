import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { anchorsOf, verifyAudit } from '../../verify-audit.ts';
import { appendAudit } from './audit-log.ts';
import { chainAudit, readAuditHead, readChain, readWaiting } from './audit-chain.ts';
import { auditRow } from '../repositories.testkit.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.close());

const append = async (times: number) => {
  for (let row = 0; row < times; row += 1) await appendAudit(database.db, auditRow());
};
const sql = (text: string, values: unknown[] = []) => database.pool.query(text, values);
const quiet = () => undefined;
const verify = async (anchors = anchorsOf([])) => (await verifyAudit(database.db, anchors, quiet)).broken;
const idsInChain = async () => (await readChain(database.db, 0, 100)).map(({ record }) => record?.id);

describe('the database', () => {
  it('refuses to change or delete a row of the log or the chain, and keeps what it has', async () => {
    await append(2);
    await chainAudit(database.db, 10);
    const attempts = ["UPDATE audit_log SET actor_name = 'somebody else'", 'UPDATE audit_log SET id = id + 100', 'DELETE FROM audit_log', "UPDATE audit_chain SET hash = 'x'", 'DELETE FROM audit_chain', "REPLACE INTO audit_chain VALUES (1, 99, 'x')"];
    for (const attempt of attempts) await expect(sql(attempt)).rejects.toThrow('append-only');
    expect(await verify(anchorsOf([await readAuditHead(database.db)]))).toBeNull();
  });
});

describe('the chainer', () => {
  it('links what is committed in order, and nothing twice', async () => {
    await append(3);
    expect(await readWaiting(database.db)).toMatchObject({ waiting: 3, oldestAt: expect.any(Date) });
    expect(await chainAudit(database.db, 2)).toMatchObject({ linked: 2, head: { position: 2 }, missing: [] });
    expect(await chainAudit(database.db, 2)).toMatchObject({ linked: 1, head: { position: 3 } });
    const again = await chainAudit(database.db, 2);
    expect(again).toEqual({ linked: 0, missing: [], head: await readAuditHead(database.db) });
    expect(await readWaiting(database.db)).toEqual({ waiting: 0, oldestAt: null });
    expect(await verify()).toBeNull();
  });

  it('is not held up by an open transaction, and links its row afterwards although its id is behind; an undone one leaves only a gap', async () => {
    const late = await database.pool.getConnection();
    const undone = await database.pool.getConnection();
    await late.query('BEGIN');
    await undone.query('BEGIN');
    const insert = "INSERT INTO audit_log (at, call_id, phase, actor_kind, action, correlation_id, times) VALUES (UTC_TIMESTAMP(3), ?, 'DONE', 'account', 'wallet.pause', 'late', 1)";
    await late.query(insert, ['a'.repeat(32)]);
    await undone.query(insert, ['b'.repeat(32)]);
    await append(2);
    expect(await chainAudit(database.db, 10)).toMatchObject({ linked: 2 });
    expect(await idsInChain()).toEqual([3, 4]);
    await late.query('COMMIT');
    await undone.query('ROLLBACK');
    late.release();
    undone.release();
    await append(1);
    expect(await chainAudit(database.db, 10)).toMatchObject({ linked: 2, missing: [] });
    expect(await idsInChain()).toEqual([3, 4, 1, 5]);
    expect(await verify(anchorsOf([await readAuditHead(database.db)]))).toBeNull();
  });

  it('run by several at once links every row once, and leaves a chain that holds', async () => {
    await append(1);
    await chainAudit(database.db, 1);
    await append(40);
    const results = await Promise.all(Array.from({ length: 6 }, () => chainAudit(database.db, 20)));
    expect(results.reduce((sum, { linked }) => sum + linked, 0)).toBe(40);
    expect(await readAuditHead(database.db)).toMatchObject({ position: 41 });
    expect(await verify()).toBeNull();
  });

  it('that meets another at the very first link writes it once', async () => {
    await append(3);
    const results = await Promise.allSettled([chainAudit(database.db, 10), chainAudit(database.db, 10)]);
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
    await chainAudit(database.db, 10);
    expect(await idsInChain()).toEqual([1, 2, 3]);
    expect(await verify()).toBeNull();
  });

  it('works while rows are appended beside it', async () => {
    const appending = append(60);
    for (let turn = 0; turn < 30; turn += 1) await chainAudit(database.db, 7);
    await appending;
    for (let linked = 1; linked > 0; ) ({ linked } = await chainAudit(database.db, 7));
    expect((await idsInChain()).toSorted((left, right) => (left ?? 0) - (right ?? 0))).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    expect(await verify()).toBeNull();
  });
});

describe('verification finds what a superuser did behind the triggers', () => {
  let anchors: ReturnType<typeof anchorsOf>;
  beforeEach(async () => {
    await append(5);
    await chainAudit(database.db, 10);
    anchors = anchorsOf([await readAuditHead(database.db)]);
    for (const trigger of ['audit_log_no_update', 'audit_log_no_delete', 'audit_chain_no_update', 'audit_chain_no_delete', 'audit_log_waits']) await sql(`DROP TRIGGER ${trigger}`);
  });

  it('a changed row', async () => {
    await sql("UPDATE audit_log SET actor_name = 'somebody else' WHERE id = 3");
    expect(await verify(anchors)).toEqual({ position: 3, what: 'row-changed' });
  });

  it('a deleted row, with or without its link', async () => {
    await sql('DELETE FROM audit_log WHERE id = 2');
    expect(await verify(anchors)).toEqual({ position: 2, what: 'row-missing' });
    await sql('DELETE FROM audit_chain WHERE audit_id = 2');
    expect(await verify(anchors)).toEqual({ position: 2, what: 'link-missing' });
  });

  it('a tail that was cut off', async () => {
    await sql('DELETE FROM audit_log WHERE id > 3');
    expect(await verify(anchors)).toEqual({ position: 4, what: 'row-missing' });
    await sql('DELETE FROM audit_chain WHERE audit_id > 3');
    expect(await verify()).toBeNull();
    expect(await verify(anchors)).toEqual({ position: 4, what: 'tail-cut' });
  });

  it('a row that was put in, and one whose link was taken out', async () => {
    await appendAudit(database.db, auditRow());
    expect(await verify(anchors)).toEqual({ position: 6, what: 'row-unchained' });
    await sql('DELETE FROM audit_log WHERE id = 6');
    await sql('DELETE FROM audit_chain WHERE position = 5');
    expect(await verify()).toEqual({ position: 5, what: 'row-unchained' });
  });

  it('a chain that was written anew as a whole, by its anchor alone', async () => {
    await sql("UPDATE audit_log SET actor_name = 'somebody else' WHERE id = 1");
    await sql('DELETE FROM audit_chain');
    await sql('INSERT INTO audit_pending SELECT id FROM audit_log');
    await chainAudit(database.db, 10);
    expect(await verify()).toBeNull();
    expect(await verify(anchors)).toEqual({ position: 5, what: 'anchor-differs' });
  });

  it('a row that was taken away before it had its link', async () => {
    await sql('INSERT INTO audit_pending VALUES (77)');
    expect(await chainAudit(database.db, 10)).toMatchObject({ linked: 0, missing: [77] });
    expect(await verify(anchors)).toEqual({ position: 77, what: 'waiting-row-missing' });
  });

  it('a second turn asked for a linked row changes nothing', async () => {
    await sql('INSERT INTO audit_pending VALUES (3)');
    expect(await chainAudit(database.db, 10)).toMatchObject({ linked: 0, missing: [] });
    expect(await readWaiting(database.db)).toMatchObject({ waiting: 0 });
    expect(await verify(anchors)).toBeNull();
  });
});
