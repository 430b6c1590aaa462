import { randomBytes } from 'node:crypto';
import { decodeFromPayloadsAtIndex } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { Payload } from '@temporalio/common';
import { Wallet } from 'ethers';
import { afterEach, describe, expect, it } from 'vitest';
import { workflowIdOf } from '../../domain/request-id.ts';
import { dataConverterFrom } from '../../temporal-config/data-converter.ts';
import { isSealed } from '../../temporal-config/payload-codec.ts';
import { listStartedSince } from '../../temporal-config/withdrawal-executions.ts';
import { PAYLOAD_KEYS, SEALED_PAYLOADS } from '../harness/payloads.ts';
import { startEngine, type TestEngine } from '../harness/engine.ts';

const AMOUNT = 7_654_321n;
const NEW_KEY = `new:${randomBytes(32).toString('base64')}`;
const NEW_ONLY = dataConverterFrom({ TEMPORAL_PAYLOAD_KEYS: NEW_KEY });
const NEW_AND_OLD = dataConverterFrom({ TEMPORAL_PAYLOAD_KEYS: `${NEW_KEY},${PAYLOAD_KEYS}` });

let engine: TestEngine;
afterEach(() => engine.stop());

const accept = (toAddress = Wallet.createRandom().address) => engine.accept({ currency: 'USDC', toAddress, amount: AMOUNT });
const decodedWith = (converter = SEALED_PAYLOADS) => converter.payloadCodecs?.[0];

/** As the server holds it: what `GetWorkflowExecutionHistory` answers without any codec. */
async function rawHistory(requestId: string) {
  const { history } = await engine.client.workflowService.getWorkflowExecutionHistory({ namespace: engine.temporal.namespace, execution: { workflowId: workflowIdOf(requestId) } });
  return history?.events ?? [];
}

const isPayload = (value: object): value is Payload => 'metadata' in value && 'data' in value;

/** Every payload and every failure in an answer of the server, wherever it stands. */
function walk(value: unknown, found: { payloads: Payload[]; failures: { message?: string; stackTrace?: string }[] } = { payloads: [], failures: [] }, path = ''): typeof found {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || path.endsWith('searchAttributes')) return found;
  if (isPayload(value)) found.payloads.push(value);
  else for (const [name, inner] of Object.entries(value)) {
    if (/^(failure|cause|lastFailure)$/.test(name) && inner !== null) found.failures.push(inner as { message?: string });
    walk(inner, found, name);
  }
  return found;
}

/** All an onlooker could read of it: text and the bytes of payloads, search attributes left out, which are clear by design. */
function readable(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value).map(([key, inner]) => (key === 'searchAttributes' ? '' : readable(inner))).join('\n');
}

const leaves = (value: unknown): string[] => (typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [String(value)]);

describe('the server', () => {
  it('holds nothing of a withdrawal that it can read: not its memo, steps, results, nor its errors', async () => {
    engine = await startEngine();
    const wallet = await engine.database.db.query.wallets.findFirst();
    const key = await engine.hideKey(wallet?.keyId ?? '');
    const recipient = Wallet.createRandom().address;
    const requestId = await accept(recipient);
    await engine.until(requestId, ['DEAD_LETTERED']);
    await key.restore();
    await engine.handle(requestId).signal('retry');
    await engine.until(requestId, ['COMPLETED']);
    await engine.handle(requestId).result();

    const answers = [
      await rawHistory(requestId),
      await engine.client.workflowService.describeWorkflowExecution({ namespace: engine.temporal.namespace, execution: { workflowId: workflowIdOf(requestId) } }),
      await engine.client.workflowService.listWorkflowExecutions({ namespace: engine.temporal.namespace, query: `WorkflowId = '${workflowIdOf(requestId)}'` }),
    ];
    const { payloads, failures } = walk(answers);
    expect(payloads.length).toBeGreaterThan(20);
    expect(failures.length).toBeGreaterThan(0);
    // The SDK's own notes of local activities never pass a codec: a name and times.
    const unsealed = payloads.filter((payload) => !isSealed(payload)).map(({ data }) => JSON.parse(Buffer.from(data ?? []).toString()) as object);
    expect(new Set(unsealed.flatMap((note) => Object.keys(note)))).toEqual(new Set(['seq', 'attempt', 'activity_id', 'activity_type', 'complete_time', 'backoff', 'original_schedule_time']));
    expect(failures.map(({ message, stackTrace }) => ({ message, stackTrace: stackTrace ?? '' })).filter(({ message, stackTrace }) => message !== 'Encoded failure' || stackTrace !== '')).toEqual([]);

    // What stands in the payloads, told by whoever has the key, is what an onlooker must not find.
    const opened = await decodedWith()?.decode(payloads.filter(isSealed));
    const told = await Promise.all((opened ?? []).map((payload) => decodeFromPayloadsAtIndex(engine.client.options.loadedDataConverter, 0, [payload])));
    const clearByDesign = new Set([requestId, workflowIdOf(requestId), ...Object.values(await engine.searchAttributesOf(requestId)).flatMap(leaves)]);
    // A round number, as of milliseconds, stands by chance among the digits of times.
    const isRound = (leaf: string): boolean => /^\d+000$/.test(leaf);
    const secrets = [...new Set(told.flatMap(leaves))].filter((leaf) => leaf.length >= 6 && !isRound(leaf) && !clearByDesign.has(leaf));
    expect(secrets).toEqual(expect.arrayContaining([recipient, String(AMOUNT)]));
    expect(secrets.some((leaf) => leaf.includes('at '))).toBe(true);
    const text = readable(answers);
    // The search itself works: what is clear by design is found.
    expect(text).toContain(workflowIdOf(requestId));
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
  });
});

describe('a rotation of the payload keys', () => {
  it('opens what the key before sealed; without that key all stands still, says why, and goes on once it is back', async () => {
    engine = await startEngine();
    await engine.chain.rpc.call('evm_setIntervalMining', [0]);
    const requestId = await accept();
    await engine.until(requestId, ['BROADCASTED']);
    await engine.stopRoles();

    // A role that looks at all workflows when it starts does not start.
    await expect(engine.startRoles(engine.temporal.namespace, NEW_ONLY)).rejects.toThrow(/sealed under the key "test", which TEMPORAL_PAYLOAD_KEYS does not hold here/);
    // Nor does one that takes tasks get on with them.
    const blind = await engine.startFleet('same', NEW_ONLY);
    await engine.chain.rpc.call('evm_setIntervalMining', [1]);
    await engine.handle(requestId).signal('retry');
    const taskFailures = async () => (await rawHistory(requestId)).flatMap(({ workflowTaskFailedEventAttributes: failed }) => failed?.failure?.encodedAttributes ?? []);
    await expect.poll(taskFailures, { timeout: 30_000 }).not.toEqual([]);
    const [said] = (await decodedWith(NEW_ONLY)?.decode(await taskFailures())) ?? [];
    expect(Buffer.from(said?.data ?? []).toString()).toContain('sealed under the key');
    expect((await engine.row(requestId)).status).toBe('BROADCASTED');
    await blind.stop();

    await engine.startRoles(engine.temporal.namespace, NEW_AND_OLD);
    await engine.until(requestId, ['COMPLETED']);
    const attempts = await engine.database.db.query.signedTransactions.findMany({ where: (table, { eq }) => eq(table.requestId, requestId) });
    expect(attempts).toHaveLength(1);
    // From here on the new key seals; every run of before is still read.
    const keyIds = walk(await rawHistory(requestId)).payloads.filter(isSealed).map(({ metadata }) => Buffer.from(metadata?.['encryption-key-id'] ?? []).toString());
    expect(new Set(keyIds)).toEqual(new Set(['test', 'new']));
    expect(keyIds.at(-1)).toBe('new');
    expect(await listStartedSince(engine.client, new Date(0), 10)).toMatchObject([{ requestId, memo: { ownerId: 1 } }]);
  });

  it('from no keys at all: what runs unsealed goes on, and is sealed from then on', async () => {
    engine = await startEngine({ plainPayloads: true });
    await engine.chain.rpc.call('evm_setIntervalMining', [0]);
    const requestId = await accept();
    await engine.until(requestId, ['BROADCASTED']);
    expect(readable(await rawHistory(requestId))).toContain('json/plain');
    await engine.stopRoles();
    await engine.startRoles(engine.temporal.namespace, SEALED_PAYLOADS);
    await engine.chain.rpc.call('evm_setIntervalMining', [1]);
    await engine.until(requestId, ['COMPLETED']);
    expect(await engine.handle(requestId).result()).toBe('COMPLETED');
    const last = walk(await rawHistory(requestId)).payloads.at(-1);
    expect(Buffer.from(last?.metadata?.['encoding'] ?? []).toString()).toBe('binary/encrypted');
  });
});
