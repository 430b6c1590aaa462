import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createAuthority, type IssuedCertificate, type TestAuthority } from '../tests/harness/certificates.ts';
import { API_KEY_LOOK_MS } from './api-key.ts';
import { clientOn, connectTo, temporalPlaceFrom, temporalSettingsFrom } from './connection.ts';
import { missingInTemporal } from './namespace.ts';
import { connectWorkerTo } from './native-connection.ts';

const SERVER_NAME = 'temporal.test';
const PAYLOAD_KEYS = `k:${randomBytes(32).toString('base64')}`;

let authority: TestAuthority;
let others: TestAuthority;
let server: IssuedCertificate;
let client: IssuedCertificate;
beforeAll(() => {
  authority = createAuthority('tests');
  others = createAuthority('somebody else');
  server = authority.issue('server', [SERVER_NAME]);
  client = authority.issue('client');
});
afterAll(() => {
  authority.remove();
  others.remove();
});

const environment = (address: string, more: Record<string, string> = {}): Record<string, string> => ({
  TEMPORAL_ADDRESS: address,
  TEMPORAL_PAYLOAD_KEYS: PAYLOAD_KEYS,
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: authority.certificate,
  TEMPORAL_TLS_SERVER_NAME: SERVER_NAME,
  ...more,
});
const shown = ({ certificate, key }: IssuedCertificate) => ({ TEMPORAL_TLS_CLIENT_CERT_PATH: certificate, TEMPORAL_TLS_CLIENT_KEY_PATH: key });

describe('a Temporal server that demands client certificates', () => {
  let proxy: Server;
  let address: string;
  const sockets = new Set<Socket>();
  const subjects: unknown[] = [];

  beforeAll(async () => {
    const [host = '', port = ''] = inject('infrastructure').temporalAddress.split(':');
    proxy = createServer({ key: readFileSync(server.key), cert: readFileSync(server.certificate), ca: readFileSync(authority.certificate), requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['h2'] }, (secure) => {
      subjects.push(secure.getPeerCertificate().subject.CN);
      const plain = connect(Number(port), host);
      for (const socket of [secure, plain]) {
        sockets.add(socket);
        socket.on('error', () => undefined).on('close', () => {
          sockets.delete(socket);
          secure.destroy();
          plain.destroy();
        });
      }
      secure.pipe(plain).pipe(secure);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    address = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => proxy.close(resolve));
  });

  it('lets clients and workers in by theirs, and a workflow runs', async () => {
    const settings = temporalSettingsFrom(environment(address, shown(client)));
    const stopping = new AbortController();
    const [connection, native] = await Promise.all([connectTo(settings), connectWorkerTo(settings, stopping.signal)]);
    const taskQueue = `tls-${randomUUID()}`;
    const worker = await Worker.create({
      connection: native,
      namespace: settings.namespace,
      dataConverter: settings.dataConverter,
      taskQueue,
      workflowsPath: fileURLToPath(new URL('../tests/harness/workflows/echo.ts', import.meta.url)),
      bundlerOptions: { logger: new DefaultLogger('ERROR') } as object,
    });
    const told = await worker.runUntil(clientOn(connection, settings).workflow.execute('echo', { taskQueue, workflowId: taskQueue, args: ['over TLS'] }));
    expect(told).toBe('over TLS');
    expect(await missingInTemporal(settings)).toMatchObject({ namespace: false });
    expect(new Set(subjects)).toEqual(new Set(['client']));
    stopping.abort();
    await Promise.all([connection.close(), native.close()]);
  });

  const REFUSED = [
    ['no certificate', () => environment(address), 'tried with TLS'],
    ['one of another authority', () => environment(address, shown(others.issue('client'))), 'tried with TLS, a client certificate'],
    ['no TLS at all', () => ({ TEMPORAL_ADDRESS: address, TEMPORAL_PAYLOAD_KEYS: PAYLOAD_KEYS }), 'tried with no TLS'],
  ] as const;
  it.concurrent.each(REFUSED)('refuses %s, which is said in one line', async (_what, env, tried) => {
    const settings = temporalSettingsFrom(env());
    const refusal = expect.objectContaining({ message: expect.stringMatching(new RegExp(`^Temporal at ${address} cannot be reached, or refuses this process \\(${tried}\\): [^\\n]+$`)) });
    await Promise.all([
      expect(connectTo(settings)).rejects.toEqual(refusal),
      expect(connectWorkerTo(settings, new AbortController().signal)).rejects.toEqual(refusal),
    ]);
  });

  it.concurrent.each([
    ['another name than its certificate holds', { TEMPORAL_TLS_SERVER_NAME: 'other.test' }],
    ['an authority nobody told us of', { TEMPORAL_TLS_SERVER_CA_CERT_PATH: 'others' }],
  ])('is not believed with %s', async (_what, change) => {
    const told = Object.fromEntries(Object.entries(change).map(([name, value]) => [name, value === 'others' ? others.certificate : value]));
    await expect(connectTo(temporalSettingsFrom(environment(address, { ...shown(client), ...told })))).rejects.toThrow('refuses this process');
  });
});

describe('an API key', () => {
  let stub: Http2SecureServer;
  let address: string;
  const seen: (string | undefined)[] = [];

  beforeAll(async () => {
    // Answers every call with an empty message, and notes who asked.
    stub = createSecureServer({ key: readFileSync(server.key), cert: readFileSync(server.certificate) });
    stub.on('stream', (stream, headers) => {
      seen.push(headers.authorization);
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.alloc(5));
    });
    await new Promise<void>((resolve) => stub.listen(0, '127.0.0.1', resolve));
    address = `127.0.0.1:${(stub.address() as AddressInfo).port}`;
  });
  afterAll(() => stub.close());

  it('arrives with every call of clients and workers, and a renewed file is taken up while they run', async () => {
    const file = `${authority.certificate}.api-key`;
    writeFileSync(file, 'first-key\n');
    const place = temporalPlaceFrom(environment(address, { TEMPORAL_API_KEY_FILE: file }));
    expect(place.tls).toBeDefined();
    const stopping = new AbortController();
    const [connection, native] = await Promise.all([connectTo(place), connectWorkerTo(place, stopping.signal)]);
    expect(seen.length).toBeGreaterThan(1);
    expect(new Set(seen)).toEqual(new Set(['Bearer first-key']));
    writeFileSync(file, 'second-key\n');
    for (const { workflowService } of [connection, native]) {
      const keyOfNextCall = async (): Promise<string | undefined> => {
        await workflowService.getSystemInfo({});
        return seen.at(-1);
      };
      await expect.poll(keyOfNextCall, { timeout: 3 * API_KEY_LOOK_MS, interval: 200 }).toBe('Bearer second-key');
    }
    stopping.abort();
    await Promise.all([connection.close(), native.close()]);
  });

  it('by variable alone turns TLS on', async () => {
    seen.length = 0;
    const connection = await connectTo(temporalPlaceFrom(environment(address, { TEMPORAL_API_KEY: 'by-variable' })));
    expect(seen).toContain('Bearer by-variable');
    expect(temporalPlaceFrom({ TEMPORAL_ADDRESS: address, TEMPORAL_API_KEY: 'by-variable' }).tls).toEqual({});
    await connection.close();
  });
});

describe('what is wrong is said at the start, in one line', () => {
  const wrong: [string, () => Record<string, string>, string][] = [
    ['no address', () => ({ TEMPORAL_ADDRESS: '' }), 'TEMPORAL_ADDRESS'],
    ['TLS neither on nor off', () => ({ TEMPORAL_TLS: 'yes' }), 'TEMPORAL_TLS must be true or false'],
    ['TLS off with a certificate', () => ({ TEMPORAL_TLS: 'false', ...shown(client) }), 'TEMPORAL_TLS is false'],
    ['TLS off with an API key', () => ({ TEMPORAL_TLS: 'false', TEMPORAL_API_KEY: 's3cret' }), 'TEMPORAL_TLS is false'],
    ['a certificate without its key', () => ({ TEMPORAL_TLS_CLIENT_CERT_PATH: client.certificate }), 'TEMPORAL_TLS_CLIENT_KEY_PATH is not set'],
    ['a key without its certificate', () => ({ TEMPORAL_TLS_CLIENT_KEY_PATH: client.key }), 'TEMPORAL_TLS_CLIENT_CERT_PATH is not set'],
    ['a file that is not there', () => ({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere.pem' }), 'TEMPORAL_TLS_SERVER_CA_CERT_PATH /nowhere.pem cannot be read'],
    ['a file that is no certificate', () => ({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: client.key }), 'is no certificate'],
    ['a file that is no key', () => ({ TEMPORAL_TLS_CLIENT_CERT_PATH: client.certificate, TEMPORAL_TLS_CLIENT_KEY_PATH: client.certificate }), 'is no private key'],
    ['the key of another certificate', () => ({ TEMPORAL_TLS_CLIENT_CERT_PATH: client.certificate, TEMPORAL_TLS_CLIENT_KEY_PATH: server.key }), 'is not the key of the certificate'],
    ['two API keys', () => ({ TEMPORAL_API_KEY: 's3cret', TEMPORAL_API_KEY_FILE: '/nowhere' }), 'both set'],
    ['an API key no header may hold', () => ({ TEMPORAL_API_KEY: 's3cret\nx' }), 'TEMPORAL_API_KEY is no API key'],
    ['an API key file that is not there', () => ({ TEMPORAL_API_KEY_FILE: '/nowhere' }), 'TEMPORAL_API_KEY_FILE /nowhere'],
  ];
  it.each(wrong)('%s', (_what, change, named) => {
    const read = () => temporalPlaceFrom({ TEMPORAL_ADDRESS: 'temporal.test:7233', ...change() });
    expect(read).toThrow(named);
    expect(read).toThrow(/^TEMPORAL_[^\n]+\.$/);
    expect(read).not.toThrow(/s3cret/);
  });
});
