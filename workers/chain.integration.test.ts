import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { sendRawTransaction } from '../activities/chain/send.ts';
import { startManualChain, type ManualChain } from '../activities/chain/manual-chain.testkit.ts';
import { createLogger } from '../db/observability/logger.ts';
import { listOpenAlerts } from '../db/repositories/operations/alerts.ts';
import { parseSettings } from '../domain/settings.ts';
import { createTestDatabase, type TestDatabase } from '../tests/harness/database.ts';
import { startRpcProxy, type RpcProxy } from '../tests/harness/rpc-proxy.ts';
import { openChain } from './chain.ts';

const SETTINGS_FILE = new URL('../docker/settings/sandbox.json', import.meta.url);
const settings = { ...parseSettings(readFileSync(SETTINGS_FILE, 'utf8'), 'sandbox.json').chain, blockTimeMs: 3_600_000 };
const KEY = 'a1b2c3d4e5f6-secret-key';

describe("a worker's chain", () => {
  let chain: ManualChain;
  let database: TestDatabase;
  let first: RpcProxy;
  let second: RpcProxy;
  const lines: string[] = [];
  const log = createLogger({ service: 'test', level: 'INFO' }, { write: (line: string) => lines.push(line) });
  beforeAll(async () => {
    [chain, database] = await Promise.all([startManualChain(), createTestDatabase()]);
    await chain.mine(10);
    [first, second] = await Promise.all([startRpcProxy(chain.url), startRpcProxy(chain.url)]);
  });
  afterAll(async () => {
    await Promise.all([first.stop(), second.stop()]);
    await chain.stop();
    await database.close();
  });
  beforeEach(() => {
    lines.length = 0;
    for (const proxy of [first, second]) proxy.inject({ kind: 'pass' });
  });

  function open() {
    const registry = new Registry();
    const rpc = openChain({ urls: [`${first.url}/${KEY}`, `${second.url}/${KEY}`], settings, db: database.db, log, registry });
    const metric = async (line: RegExp) => (await registry.metrics()).split('\n').filter((text) => line.test(text)).map((text) => text.replace(/127\.0\.0\.1:\d+/, 'HOST'));
    return { rpc, registry, metric };
  }

  it('shows which endpoints are used, by number and host', async () => {
    const { rpc, registry, metric } = open();
    first.inject({ kind: 'refuse' });
    await rpc.checkHealth();
    expect(await metric(/^chain_endpoint_up/)).toEqual(['chain_endpoint_up{endpoint="0",host="HOST"} 0', 'chain_endpoint_up{endpoint="1",host="HOST"} 1']);
    expect(await rpc.agree('eth_getBlockByNumber', ['0x5', false])).toMatchObject({ number: '0x5' });
    expect(await metric(/^chain_reads_alone_total/)).toEqual(['chain_reads_alone_total{method="eth_getBlockByNumber"} 1']);
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([{ level: 'WARN', endpoint: 0, condition: 'unreachable', message: 'a chain endpoint is left out' }]);
    expect(`${lines.join('\n')}${await registry.metrics()}`).not.toContain(KEY);
  });

  it('opens one alert for a dispute and closes it when it is over', async () => {
    const { rpc, metric } = open();
    const other = open();
    second.inject({ kind: 'rewrite', change: (result, { method }) => (method === 'eth_getBlockByNumber' ? { ...(result as object), hash: `0x${'b'.repeat(64)}` } : result) });
    await rpc.checkHealth();
    await vi.waitFor(async () => expect(await listOpenAlerts(database.db, 'final block')).toHaveLength(1));
    await other.rpc.checkHealth();
    await vi.waitFor(async () => expect(await listOpenAlerts(database.db, 'final block')).toMatchObject([{ kind: 'RPC_CONTRADICTION', timesSeen: 2 }]));
    expect(lines.map((line) => JSON.parse(line) as { level: string; message: string }).filter(({ level }) => level === 'ERROR')).toMatchObject([{ message: 'endpoints of the chain contradict each other', subject: 'final block' }]);
    expect(await metric(/^chain_contradictions_total/)).toEqual(['chain_contradictions_total{method="eth_getBlockByNumber"} 1']);
    second.inject({ kind: 'pass' });
    await rpc.checkHealth();
    await vi.waitFor(async () => expect(await listOpenAlerts(database.db, 'final block')).toEqual([]));
  });

  it('alerts when one node takes a send and another calls it impossible, and the payment goes on', async () => {
    const { rpc } = open();
    second.inject({ kind: 'error', message: 'intrinsic gas too low' }, ['eth_sendRawTransaction']);
    const { raw, txHash } = chain.signTransfer(0, 0);
    expect(await sendRawTransaction(rpc, raw)).toMatchObject({ kind: 'accepted' });
    await vi.waitFor(async () => expect(await listOpenAlerts(database.db, txHash)).toMatchObject([{ kind: 'RPC_CONTRADICTION', detail: { reason: 'accepted, rejected' } }]));
  });
});
