import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditVerificationView } from '../../api/schemas/audit.ts';
import { listOpenAlerts } from '../../db/repositories/operations/alerts.ts';
import { chainAudit, readAuditHead } from '../../db/repositories/audit/audit-chain.ts';
import { auditLog } from '../../db/schema/index.ts';
import { newestAnchor } from '../../temporal-config/audit-anchors.ts';
import { ensureAuditSchedule } from '../../temporal-config/audit-schedule.ts';
import { startEngine, type TestEngine } from '../harness/engine.ts';
import { startEngineApi, type EngineApi } from '../harness/engine-api.ts';
import { PAYLOAD_KEYS } from '../harness/payloads.ts';
import { runScript } from '../harness/run-script.ts';

const WAIT = { timeout: 30_000, interval: 200 };

let engine: TestEngine;
let operator: EngineApi;
let env: Record<string, string>;
beforeAll(async () => {
  engine = await startEngine();
  operator = await startEngineApi(engine);
  await ensureAuditSchedule(engine.client, 1_000);
  env = { DATABASE_URL: engine.database.url, TEMPORAL_ADDRESS: engine.temporal.address, TEMPORAL_NAMESPACE: engine.temporal.namespace, TEMPORAL_PAYLOAD_KEYS: PAYLOAD_KEYS, POLYGON_RPC_URL: engine.chain.url, POLYGON_CHAIN_ID: String(engine.chain.chainId) };
});
afterAll(async () => {
  await operator.close();
  await engine.stop();
});

const run = (script: string, args: string[], variables: Record<string, string> = {}) => runScript(script, args, { ...env, ...variables });
const verify = (args: string[] = [], variables: Record<string, string> = {}) => run('audit-verify.ts', args, variables);
const verification = async () => (await operator.get('/admin/audit/verification')).json<AuditVerificationView>();
const sql = (text: string) => engine.database.pool.query(text);
const move = async (what: 'pause' | 'resume') => expect((await operator.post(`/admin/wallets/${engine.wallets[0]}/${what}`, { reason: 'test' })).statusCode).toBe(200);
const count = () => engine.database.db.$count(auditLog);
/** Everything written so far has its link, and Temporal was told. */
async function untilAnchored(): Promise<number> {
  const rows = await count();
  await expect.poll(async () => (await newestAnchor(engine.client))?.position ?? 0, WAIT).toBeGreaterThanOrEqual(rows);
  return rows;
}
async function withoutTriggers(work: () => Promise<void>): Promise<void> {
  for (const trigger of ['audit_log_no_update', 'audit_log_no_delete', 'audit_chain_no_update', 'audit_chain_no_delete']) await sql(`DROP TRIGGER IF EXISTS ${trigger}`);
  await work();
}

// In this order: each leaves the log to the next, and the last ones break it for good.
describe('the audit log of a running engine', () => {
  it('is chained by the schedule, anchored in Temporal, and verified by API and command', async () => {
    await move('pause');
    await move('resume');
    const rows = await untilAnchored();
    expect(rows).toBe(4);
    const head = await readAuditHead(engine.database.db);
    expect(await verification()).toMatchObject({ verdict: 'AGREES', head, linksChecked: 4, anchor: { position: 4, hash: head.hash }, broken: null, waiting: 0, waitingSince: null });
    expect(await verify()).toMatchObject({ code: 0, out: expect.stringContaining(`4 links hold, up to position 4, ${head.hash}`) });
    const { code, out } = await verify(['--json']);
    expect([code, JSON.parse(out)]).toMatchObject([0, { verdict: 'AGREES', head, broken: null, newestAnchor: { position: 4, hash: head.hash } }]);
    expect((await operator.get('/admin/audit?limit=1')).json()).toMatchObject({ items: [{ position: 4, action: 'wallet.resume', phase: 'ENDED' }] });
  });

  it('holds what commands do, by the user of the operating system', async () => {
    expect(await run('wallets.ts', ['pause', engine.wallets[0] ?? '', '--reason', 'by command'])).toMatchObject({ code: 0 });
    expect(await run('wallets.ts', ['resume', engine.wallets[0] ?? '', '--reason', 'by command'])).toMatchObject({ code: 0 });
    expect((await operator.get('/admin/audit?limit=4&action=wallet.pause')).json()).toMatchObject({
      items: [
        { phase: 'ENDED', actor: { kind: 'command', id: null, via: 'wallets pause' }, status: 0, target: { kind: 'wallet', id: engine.wallets[0] }, before: { status: 'ACTIVE' }, after: { status: 'PAUSED', reason: 'by command' } },
        { phase: 'BEGUN', actor: { kind: 'command', via: 'wallets pause' } },
        {},
        {},
      ],
    });
    await untilAnchored();
    expect(await verify()).toMatchObject({ code: 0 });
  });

  it('is UNKNOWN without Temporal, and the command says that it cannot know', async () => {
    const alone = await startEngineApi(engine, { temporalAddress: '127.0.0.1:9' });
    try {
      expect((await alone.get('/admin/audit/verification')).json()).toMatchObject({ verdict: 'UNKNOWN', anchor: null, broken: null });
    } finally {
      await alone.close();
    }
    expect(await verify([], { TEMPORAL_ADDRESS: '127.0.0.1:9' })).toMatchObject({ code: 3, err: expect.stringContaining('Temporal cannot be reached') });
    expect(await verify([], { DATABASE_URL: 'mysql://root:none@127.0.0.1:9/none' })).toMatchObject({ code: 3 });
    expect(await verify([], { TEMPORAL_ADDRESS: '' })).toMatchObject({ code: 2 });
    expect(await verify(['--whatever'])).toMatchObject({ code: 2 });
  });

  it('shows a row that a superuser changed, where it is', async () => {
    const rows = await untilAnchored();
    await withoutTriggers(async () => void (await sql("UPDATE audit_log SET actor_name = 'somebody else' WHERE id = (SELECT audit_id FROM audit_chain WHERE position = 3)")));
    expect(await verify()).toMatchObject({ code: 1, out: expect.stringContaining('BROKEN: position 3: the row or the link is not what was written') });
    expect(await verification()).toMatchObject({ verdict: 'BROKEN', broken: { position: 3, what: 'row-changed' }, head: { position: 2 } });
    expect(rows).toBeGreaterThan(3);
  });

  it('shows a chain that was written anew as a whole, and calls a person within a run', async () => {
    const { position } = (await newestAnchor(engine.client)) ?? { position: 0 };
    await sql('INSERT INTO audit_pending SELECT id FROM audit_log');
    await engine.database.db.transaction(async (tx) => {
      await tx.execute('DELETE FROM audit_chain');
    });
    await expect.poll(async () => (await readAuditHead(engine.database.db)).position, WAIT).toBeGreaterThanOrEqual(position);
    await expect.poll(async () => (await listOpenAlerts(engine.database.db, 'audit_log')).map(({ kind }) => kind), WAIT).toEqual(['AUDIT_BROKEN']);
    const { code, out } = await verify(['--json']);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ verdict: 'BROKEN', broken: { what: 'anchor-differs' } });
  });

  it('shows a tail that was cut off', async () => {
    await move('pause');
    await move('resume');
    await untilAnchored();
    await engine.stopRoles();
    const { position } = await readAuditHead(engine.database.db);
    await sql(`DELETE FROM audit_log WHERE id IN (SELECT audit_id FROM audit_chain WHERE position > ${position - 2})`);
    await sql(`DELETE FROM audit_chain WHERE position > ${position - 2}`);
    expect(await chainAudit(engine.database.db, 10)).toMatchObject({ linked: 0, missing: [] });
    expect(await verification()).toMatchObject({ verdict: 'BROKEN', broken: { position: position - 1, what: 'tail-cut' } });
    expect(await verify()).toMatchObject({ code: 1 });
  });
});
