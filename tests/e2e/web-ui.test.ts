import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCustomer, type Customer } from '../../scripts/demo/customer.ts';
import { ROLES } from '../../scripts/stack/privileges.ts';
import { sandboxEnvironment, startSandbox, type TestSandbox } from '../harness/sandbox.ts';

interface PayloadJson {
  metadata: { encoding: string };
  data?: string;
}

const SPEAKING_WITH_TEMPORAL = ROLES.filter((role) => role !== 'codec-server');

describe('the Web UI of Temporal and its codec server, as npm start runs them', () => {
  let sandbox: TestSandbox;
  let customer: Customer;
  let ui: string;
  let codec: string;

  beforeAll(async () => {
    const ports = await sandboxEnvironment('');
    const { SANDBOX_DIR: _dir, ...environment } = ports;
    [ui, codec] = [`http://127.0.0.1:${environment['TEMPORAL_UI_PORT']}`, `http://127.0.0.1:${environment['CODEC_PORT']}`];
    sandbox = await startSandbox(environment);
    customer = await openCustomer(sandbox.credentials);
  });
  afterAll(() => sandbox.stop());

  /** As its page does it: the UI's own server asks Temporal, and answers with payloads as they are stored. */
  async function historyInUi(requestId: string): Promise<{ text: string; payloads: PayloadJson[] }> {
    const response = await fetch(`${ui}/api/v1/namespaces/default/workflows/withdrawal-${requestId}/history`);
    const text = await response.text();
    const payloads: PayloadJson[] = [];
    JSON.parse(text, (name, value: unknown) => {
      if (name !== 'searchAttributes' && typeof value === 'object' && value !== null && 'metadata' in value && 'data' in value) payloads.push(value as PayloadJson);
      return value;
    });
    return { text, payloads };
  }

  it('has batch and activity commands off, reset and signal on, and knows the codec server', async () => {
    const settings = (await (await fetch(`${ui}/api/v1/settings`)).json()) as Record<string, unknown>;
    expect(settings).toMatchObject({
      BatchActionsDisabled: true,
      ActivityCommandsDisabled: true,
      StartWorkflowDisabled: true,
      DisableWriteActions: false,
      WorkflowResetDisabled: false,
      WorkflowSignalDisabled: false,
      WorkflowTerminateDisabled: false,
      WorkflowCancelDisabled: false,
      Codec: { Endpoint: codec, IncludeCredentials: true, DefaultErrorLink: `${codec}/sign-in` },
    });
    expect((await fetch(`${ui}/namespaces/default/workflows`)).status).toBe(200);
  });

  it('shows a withdrawal to whoever signs in as a reader, and sealed bytes to everybody else', async () => {
    const recipient = Wallet.createRandom().address;
    const { requestId } = await customer.withdraw({ amount: '1.25', currency: 'USDC', toAddress: recipient }, randomUUID());
    await expect.poll(async () => (await customer.withdrawal(requestId)).status, { timeout: 60_000 }).toBe('COMPLETED');
    const { text, payloads } = await historyInUi(requestId);
    expect(payloads.length).toBeGreaterThan(8);
    const stored = payloads.map(({ data = '' }) => Buffer.from(data, 'base64').toString('latin1')).join('\n');
    for (const clear of [recipient, '1250000']) expect(`${text}${stored}`).not.toContain(clear);

    const decode = (headers: Record<string, string>) => fetch(`${codec}/decode`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-namespace': 'default', origin: ui, ...headers }, body: JSON.stringify({ payloads }) });
    expect((await decode({})).status).toBe(401);
    const { email, password } = sandbox.credentials.admin;
    const signedIn = await fetch(`${codec}/sign-in`, { method: 'POST', headers: { origin: codec }, body: new URLSearchParams({ email, password }), redirect: 'manual' });
    expect(signedIn.status).toBe(303);
    const cookie = /^[^;]+/.exec(signedIn.headers.get('set-cookie') ?? '')?.[0] ?? '';
    const opened = await decode({ cookie });
    expect(opened.status).toBe(200);
    const read = ((await opened.json()) as { payloads: PayloadJson[] }).payloads.map(({ data = '' }) => Buffer.from(data, 'base64').toString()).join('\n');
    for (const sealed of [recipient, '1250000']) expect(read).toContain(sealed);
  });

  it('gives the payload keys to every role that speaks with Temporal, and to the codec server nothing but them', () => {
    const environmentOf = (pid: number): string[] => readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').map((line) => line.split('=', 1)[0] ?? '');
    expect(SPEAKING_WITH_TEMPORAL.filter((role) => !environmentOf(sandbox.pidOf(role)).includes('TEMPORAL_PAYLOAD_KEYS'))).toEqual([]);
    const held = environmentOf(sandbox.pidOf('codec-server')).filter((name) => /KEY|SECRET|PASSWORD|JWK|URL|ADDRESS/.test(name));
    expect(held.toSorted()).toEqual(['CODEC_API_URL', 'TEMPORAL_PAYLOAD_KEYS']);
    for (const child of ['temporal', 'temporal-ui'] as const) expect(environmentOf(sandbox.processOf(child)?.pid ?? 0)).not.toContain('TEMPORAL_PAYLOAD_KEYS');
  });

  it('leaves no key in any log', () => {
    const keys = readFileSync(join(sandbox.stateDir, 'secrets', 'temporal-payload-keys'), 'utf8').split(':')[1] ?? '';
    expect(keys).toHaveLength(44);
    const logs = join(sandbox.stateDir, 'logs');
    expect(readdirSync(logs)).toContain('codec-server.log');
    expect(readdirSync(logs).filter((file) => readFileSync(join(logs, file), 'utf8').includes(keys))).toEqual([]);
  });

  it('comes back when its process is killed, and asks for a new sign-in', async () => {
    const before = sandbox.pidOf('codec-server');
    process.kill(before, 'SIGKILL');
    await expect.poll(() => sandbox.pidOf('codec-server'), { timeout: 20_000 }).not.toBe(before);
    await expect.poll(() => fetch(`${codec}/health`).then(({ status }) => status, () => 0), { timeout: 20_000 }).toBe(200);
  });
});
