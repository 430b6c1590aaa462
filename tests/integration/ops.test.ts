import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestAccount, type TestApi } from '../../api/api.testkit.ts';
import { OPS_COMMANDS } from '../../scripts/ops/commands.ts';
import { PROJECT_ROOT } from '../../scripts/stack/paths.ts';
import { startEngine, type TestEngine } from '../harness/engine.ts';
import { PAYLOAD_KEYS } from '../harness/payloads.ts';
import { runScript, type Ended } from '../harness/run-script.ts';
import { paidTo } from '../harness/transfers.ts';

const SMALL = 2_000_000n;
/** asks for two approvals */
const LARGE = 1_500_000_000n;
/** well formed, and nobody's */
const ABSENT = `tx-1234567890123-${'a'.repeat(20)}`;
const POLL = { timeout: 30_000 };

/** The operators' commands as processes, on the running engine: its Temporal server by the CLI, its API over HTTP. */
describe('npm run ops', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ops-'));
  let engine: TestEngine;
  let api: TestApi;
  let baseUrl: string;
  beforeAll(async () => {
    engine = await startEngine();
    api = await startTestApi({ engine });
    baseUrl = await api.app.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(async () => {
    await api.close();
    await engine.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function ops(args: string[], options: { by?: TestAccount; env?: Record<string, string | undefined>; input?: string } = {}): Promise<Ended> {
    const env: Record<string, string | undefined> = {
      HOME: folder, XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] || join(process.env['HOME'] ?? '', '.cache'),
      TEMPORAL_ADDRESS: engine.temporal.address, TEMPORAL_NAMESPACE: engine.temporal.namespace, API_URL: baseUrl, TEMPORAL_PAYLOAD_KEYS: PAYLOAD_KEYS,
      ...(options.by && { API_TOKEN: options.by.bearer.slice('Bearer '.length) }), ...options.env,
    };
    return runScript('ops.ts', args, env, options.input, folder);
  }

  async function accept(amount = SMALL): Promise<{ requestId: string; recipient: string }> {
    const recipient = Wallet.createRandom().address;
    return { requestId: await engine.accept({ currency: 'USDC', toAddress: recipient, amount }), recipient };
  }
  async function awaitingApproval() {
    const payment = await accept(LARGE);
    await engine.until(payment.requestId, ['AWAITING_APPROVAL']);
    return payment;
  }
  const received = (recipient: string) => paidTo(engine.chain, engine.chain.tokens.TestUSDC, recipient);
  const listed = async (...filter: string[]) => (await ops(['list', '--json', ...filter])).out.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line) as { requestId: string; status: string; wallet: string; deadLetterClass: string });

  it('explains every command, and ends with 2 on what it does not know', async () => {
    const help = await ops(['--help']);
    expect(help.code).toBe(0);
    const names = [...help.out.matchAll(/^ {2}([a-z]+) {2}/gm)].map(([, name]) => name ?? '');
    expect(names).toEqual(OPS_COMMANDS.map(({ name }) => name));
    for (const { name, help: own } of OPS_COMMANDS) expect(own).toMatch(new RegExp(`^${name} `));
    expect(await ops(['reset', '--help'])).toMatchObject({ code: 0, err: '', out: expect.stringContaining('npm run ops -- reset <requestId>') as string });
    for (const wrong of [['nope'], [], ['show'], ['show', 'tx-1'], ['cancel', `${ABSENT}' OR '1'='1`], ['list', '--status', 'NOPE'], ['list', '--nope'], ['reset', 'tx-1'], ['replay', 'absent.json']]) {
      const { code, err } = await ops(wrong);
      expect([wrong, code]).toEqual([wrong, 2]);
      if (wrong.length > 0) expect(err.trim().split('\n')).toHaveLength(1);
    }
  });

  it('approves by the API, two people, and shows and lists what became of it', async () => {
    const { requestId, recipient } = await awaitingApproval();
    await expect.poll(() => listed('--status', 'AWAITING_APPROVAL', '--currency', 'usdc', '--open'), POLL).toMatchObject([{ requestId, status: 'AWAITING_APPROVAL' }]);
    expect(await ops(['approve', requestId])).toMatchObject({ code: 2, err: expect.stringContaining('API_TOKEN') as string });
    expect(await ops(['approve', requestId], { by: api.stranger })).toMatchObject({ code: 1, err: expect.stringContaining('FORBIDDEN') as string });
    expect(await ops(['approve', requestId], { by: api.admin })).toMatchObject({ code: 0, err: '', out: expect.stringContaining(`1500 USDC to ${recipient}`) as string });
    // Needs the API alone.
    expect(await ops(['approve', requestId], { by: api.approver, env: { TEMPORAL_ADDRESS: undefined, TEMPORAL_CLI: join(folder, 'absent') } })).toMatchObject({ code: 0, err: '' });
    await engine.until(requestId, ['COMPLETED']);
    expect(await received(recipient)).toEqual({ total: LARGE, payments: 1 });

    await expect.poll(() => listed('--status', 'COMPLETED'), POLL).toMatchObject([{ requestId, wallet: engine.wallets[0] }]);
    expect(await listed('--wallet', Wallet.createRandom().address)).toEqual([]);
    const shown = await ops(['show', requestId], { by: api.admin });
    expect(shown).toMatchObject({ code: 0, err: '' });
    for (const part of [/run +COMPLETED/, /status +COMPLETED, outcome PAID/, /PAY +CONFIRMED/, /approved by a person/, /included in a block/]) expect(shown.out).toMatch(part);
    expect(await ops(['show', requestId])).toMatchObject({ code: 2, out: expect.stringMatching(/run +COMPLETED/) as string });
  });

  it('rejects with a reason, and cancels by signal', async () => {
    const [refused, cancelled] = await Promise.all([awaitingApproval(), awaitingApproval()]);
    expect((await ops(['reject', refused.requestId], { by: api.admin })).code).toBe(2);
    expect(await ops(['reject', refused.requestId, '--reason', 'not verified'], { by: api.admin })).toMatchObject({ code: 0 });
    expect(await ops(['cancel', cancelled.requestId])).toMatchObject({ code: 0 });
    await Promise.all([engine.until(refused.requestId, ['REJECTED']), engine.until(cancelled.requestId, ['CANCELLED'])]);
    expect(await ops(['cancel', cancelled.requestId])).toMatchObject({ code: 1, err: expect.stringContaining('already completed') as string });
    expect(await received(cancelled.recipient)).toEqual({ total: 0n, payments: 0 });
  });

  it('counts the backlog, lists dead letters by class, and sends one back to work', async () => {
    const { chain } = engine.settings;
    const { maximumGasCostWei } = chain;
    chain.maximumGasCostWei = '1';
    const { requestId, recipient } = await accept();
    await engine.until(requestId, ['DEAD_LETTERED']);
    await expect.poll(() => listed('--class', 'unknown', '--open'), POLL).toMatchObject([{ requestId, deadLetterClass: 'unknown' }]);
    expect(await listed('--class', 'transient')).toEqual([]);
    const counted = JSON.parse((await ops(['backlog', '--json'])).out) as { queues: { taskQueue: string; kind: string; workers: number }[]; withdrawals: object; deadLetters: object };
    expect(counted).toMatchObject({ withdrawals: { DEAD_LETTERED: 1 }, deadLetters: { permanent: 0, transient: 0, unknown: 1 } });
    expect(counted.queues.find(({ taskQueue, kind }) => taskQueue === 'signing' && kind === 'activity')?.workers).toBeGreaterThan(0);
    expect((await ops(['backlog'])).out).toMatch(/DEAD_LETTERED +1/);

    chain.maximumGasCostWei = maximumGasCostWei;
    expect(await ops(['retry', requestId])).toMatchObject({ code: 0 });
    await engine.until(requestId, ['COMPLETED']);
    expect(await received(recipient)).toEqual({ total: SMALL, payments: 1 });
    await expect.poll(() => listed('--class', 'unknown'), POLL).toEqual([]);
  });

  it('resets an open one without its signals, pays it once, and refuses an ended one', async () => {
    const { requestId, recipient } = await awaitingApproval();
    expect(await ops(['reset', requestId])).toMatchObject({ code: 2, err: expect.stringContaining('--reason') as string });
    expect(await ops(['reset', requestId, '--reason', 'a test'])).toMatchObject({ code: 2, err: expect.stringContaining('--yes') as string });
    await ops(['approve', requestId], { by: api.admin });
    const before = (await engine.handle(requestId).describe()).runId;
    expect(await ops(['reset', requestId, '--reason', 'a test', '--yes'])).toMatchObject({ code: 0, err: '' });
    expect((await engine.handle(requestId).describe()).runId).not.toBe(before);
    const reapplied = ((await engine.handle(requestId).fetchHistory()).events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes ?? event.workflowExecutionUpdateAcceptedEventAttributes);
    expect(reapplied).toEqual([]);

    await ops(['approve', requestId], { by: api.approver });
    await engine.until(requestId, ['COMPLETED']);
    await engine.handle(requestId).result();
    expect(await received(recipient)).toEqual({ total: LARGE, payments: 1 });
    const { runId } = await engine.handle(requestId).describe();
    expect(await ops(['reset', requestId, '--reason', 'a test', '--yes'])).toMatchObject({ code: 1, err: expect.stringContaining('nothing leaves an end status') as string });
    expect((await engine.handle(requestId).describe()).runId).toBe(runId);
  });

  it('resets one that is under way, at each of its steps and to each kind of point, and pays it once', { timeout: 180_000 }, async () => {
    const { chain, proxy } = engine;
    const { requestId, recipient } = await accept();
    const resetEachWay = async () => {
      const { events } = await engine.handle(requestId).fetchHistory();
      const task = events?.find((event) => event.workflowTaskCompletedEventAttributes)?.eventId;
      for (const to of ['last', String(task), 'first']) expect(await ops(['reset', requestId, '--to', to, '--reason', 'a test', '--yes'])).toMatchObject({ code: 0, err: '' });
    };
    try {
      proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
      await chain.rpc.call('evm_setIntervalMining', [0]);
      await engine.until(requestId, ['BROADCASTING']);
      await resetEachWay();
      proxy.inject({ kind: 'pass' });
      await engine.until(requestId, ['BROADCASTED']);
      await resetEachWay();
      await chain.rpc.call('evm_mine', []);
      await engine.until(requestId, ['CONFIRMING']);
      await resetEachWay();
    } finally {
      proxy.inject({ kind: 'pass' });
      await chain.rpc.call('evm_setIntervalMining', [1]);
    }
    await engine.until(requestId, ['COMPLETED']);
    expect(await engine.handle(requestId).result()).toBe('COMPLETED');
    expect(await received(recipient)).toEqual({ total: SMALL, payments: 1 });
    expect(await engine.database.db.query.signedTransactions.findMany({ where: (table, { eq }) => eq(table.requestId, requestId) })).toHaveLength(1);
    expect(await engine.database.db.query.nonceReservations.findMany({ where: (table, { eq }) => eq(table.requestId, requestId) })).toHaveLength(1);
  });

  it("exports a history and holds it against today's code, and against another", async () => {
    const { requestId } = await accept();
    await engine.until(requestId, ['COMPLETED']);
    await engine.handle(requestId).result();
    expect(await ops(['export', requestId])).toMatchObject({ code: 0 });
    const file = join(folder, `${requestId}.json`);
    expect(await ops(['replay', file])).toMatchObject({ code: 0, out: expect.stringContaining('✔') as string });
    const { out: input } = await ops(['export', requestId, '--to', '-']);
    expect(await ops(['replay', '-'], { input })).toMatchObject({ code: 0, out: expect.stringContaining('✔ standard input') as string });
    expect(await ops(['replay', '-'], { input: '' })).toMatchObject({ code: 2, err: expect.stringContaining('standard input') as string });

    const other = join(folder, 'other.json');
    writeFileSync(other, readFileSync(file, 'utf8').replaceAll('"reserveFunds"', '"holdFunds"'));
    expect(await ops(['replay', file, other])).toMatchObject({ code: 1, out: expect.stringMatching(/✔[^\n]*\n✘/) as string, err: expect.stringContaining('1 of 2') as string });
    expect(await ops(['replay', file], { env: { TEMPORAL_PAYLOAD_KEYS: '' } })).toMatchObject({ code: 2, err: expect.stringContaining('TEMPORAL_PAYLOAD_KEYS') as string });
    writeFileSync(other, '{}');
    expect(await ops(['replay', other])).toMatchObject({ code: 2 });
  });

  it('says so when Temporal or the API is away', async () => {
    const { requestId } = await accept();
    expect(await ops(['list'], { env: { TEMPORAL_ADDRESS: '127.0.0.1:1' } })).toMatchObject({ code: 3, err: expect.stringContaining('TEMPORAL_ADDRESS') as string });
    expect(await ops(['show', requestId], { by: api.admin, env: { API_URL: 'http://127.0.0.1:1' } })).toMatchObject({ code: 3, out: expect.stringMatching(/run +(RUNNING|COMPLETED), /) as string, err: expect.stringContaining('API_URL') as string });
    expect(await ops(['list'], { env: { TEMPORAL_CLI: join(folder, 'absent') } })).toMatchObject({ code: 2, err: expect.stringContaining('TEMPORAL_CLI') as string });
    expect(await ops(['show', requestId], { by: api.admin, env: { TEMPORAL_ADDRESS: '127.0.0.1:1' } })).toMatchObject({ code: 3, out: expect.stringMatching(/Temporal cannot be asked[^]*status /) as string });
    // Another namespace is no proof that Temporal does not know the withdrawal.
    const elsewhere = await ops(['show', requestId], { by: api.admin, env: { TEMPORAL_NAMESPACE: 'absent' } });
    expect(elsewhere).toMatchObject({ code: 1, err: expect.stringContaining('absent') as string });
    expect(elsewhere.out).not.toContain('none that Temporal keeps');
    await engine.until(requestId, ['COMPLETED']);
    expect(await ops(['show', ABSENT], { by: api.admin })).toMatchObject({ code: 1, out: expect.stringContaining('none that Temporal keeps') as string, err: expect.stringContaining('NOT_FOUND') as string });
    for (const name of ['cancel', 'retry', 'export']) expect(await ops([name, ABSENT])).toMatchObject({ code: 1, err: expect.stringContaining('not found') as string });
  });

  it('lists what was started by hand under its own id, which says nothing to the terminal', async () => {
    const byHand = await engine.client.workflow.start('withdrawal', { workflowId: 'by-hand-\u001b[2J', taskQueue: 'nobody', args: [] });
    try {
      await expect.poll(async () => (await ops(['list', '--open'])).out, POLL).toContain('by-hand-\\u001b[2J');
      await expect.poll(() => listed('--open'), POLL).toMatchObject([{ requestId: 'by-hand-\u001b[2J' }]);
    } finally {
      await byHand.terminate('a test');
    }
  });

  it('goes where a profile says', async () => {
    const profile = join(folder, 'temporal.toml');
    writeFileSync(profile, `[profile.theirs]\naddress = "${engine.temporal.address}"\nnamespace = "${engine.temporal.namespace}"\n`);
    const env = { TEMPORAL_ADDRESS: undefined, TEMPORAL_NAMESPACE: undefined, TEMPORAL_CONFIG_FILE: profile };
    expect(await ops(['list', '--json'], { env: { ...env, TEMPORAL_PROFILE: 'theirs' } })).toMatchObject({ code: 0, err: '', out: expect.stringContaining('requestId') as string });
    expect(await ops(['list'], { env: { ...env, TEMPORAL_PROFILE: 'absent' } })).toMatchObject({ code: 2, err: expect.stringContaining('absent') as string });
  });

  it('goes on when nobody reads what it prints', async () => {
    const child = spawn(process.execPath, [join(PROJECT_ROOT, 'scripts/run.mjs'), 'scripts/ops.ts', '--help'], { env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect({ code, said }).toEqual({ code: 0, said: '' });
  });
});
