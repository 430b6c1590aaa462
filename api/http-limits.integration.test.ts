import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BODY, startTestApi, type TestApi } from './api.testkit.ts';

let api: TestApi;
let port: number;
beforeAll(async () => {
  api = await startTestApi({ httpLimits: { headersTimeoutMs: 400, requestTimeoutMs: 800, connectionsCheckMs: 100, handlerTimeoutMs: 1_500, silenceMs: 3_000 } });
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  ({ port } = api.app.server.address() as AddressInfo);
});
afterAll(() => api.close());

interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

function open(): Promise<{ socket: Socket; text: Promise<string> }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    const text = new Promise<string>((closed) => {
      socket.once('close', () => closed(received));
    });
    socket.on('data', (chunk) => (received += chunk.toString('utf8')));
    // A limit may be a torn connection; what arrived before is what is looked at.
    socket.on('error', () => undefined);
    socket.once('connect', () => resolve({ socket, text }));
    socket.once('error', reject);
  });
}

function parsed(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [line = '', ...lines] = head.split('\r\n');
  return {
    status: Number(line.split(' ')[1]),
    headers: Object.fromEntries(lines.map((each) => [each.slice(0, each.indexOf(':')).toLowerCase(), each.slice(each.indexOf(':') + 1).trim()])),
    body: rest.join('\r\n\r\n'),
  };
}

/** Sends bytes over a connection of their own, and reads until the server ends it. */
async function send(bytes: string): Promise<RawAnswer> {
  const { socket, text } = await open();
  socket.write(bytes);
  return parsed(await text);
}

const get = (target: string, headers = '') => send(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: ${api.user.bearer}\r\n${headers}\r\n`);
const nobodyGets = (target: string) => send(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
const post = (body: string) => send(`POST /withdrawals HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: ${api.user.bearer}\r\nidempotency-key: ${Math.random()}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);

function expectRefusal(answer: RawAnswer, status: number, code: string, detail?: { field: string; reason: string }): void {
  expect(answer.status).toBe(status);
  expect(JSON.parse(answer.body)).toMatchObject({ error: { code, message: expect.stringMatching(/[가-힣]/) }, correlationId: answer.headers['x-correlation-id'], ...(detail && { details: [detail] }) });
  expect(answer.headers).toMatchObject({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
  expect(Object.keys(answer.headers).filter((name) => name === 'server' || name === 'x-powered-by')).toEqual([]);
}

describe('what is too large', () => {
  it('a body: 413, and the limit itself passes', async () => {
    const padded = (bytes: number) => {
      const body = JSON.stringify(BODY);
      return body.slice(0, -1) + ' '.repeat(bytes - body.length) + '}';
    };
    expectRefusal(await post(padded(16 * 1024 + 1)), 413, 'PAYLOAD_TOO_LARGE');
    expect((await post(padded(16 * 1024))).status).toBe(202);
  });

  it('a body that does not say how long it is', async () => {
    const chunk = 'x'.repeat(8 * 1024);
    const chunks = Array.from({ length: 3 }, () => `2000\r\n${chunk}\r\n`).join('');
    expectRefusal(await send(`POST /auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`), 413, 'PAYLOAD_TOO_LARGE');
  });

  it('headers: 431', async () => {
    expectRefusal(await get('/assets', `x-large: ${'y'.repeat(17_000)}\r\n`), 431, 'VALIDATION_FAILED', { field: 'request', reason: 'headers-too-large' });
  });

  it('a path and query: 414, on known and unknown routes', async () => {
    for (const path of ['/assets', '/nowhere', '/health']) {
      expectRefusal(await get(`${path}?${'x'.repeat(4_096 - path.length)}`), 414, 'URI_TOO_LONG');
      expect((await get(`${path}?${'x'.repeat(4_095 - path.length)}`)).status).toBe(path === '/nowhere' ? 404 : 200);
    }
  });

  it('a part of a path is what nobody has, and nobody is told so before they are known', async () => {
    const path = `/withdrawals/${'x'.repeat(4_000)}`;
    expectRefusal(await get(path), 404, 'NOT_FOUND');
    expectRefusal(await nobodyGets(path), 401, 'UNAUTHENTICATED');
  });

  it('a query of many parameters, told to those who may ask', async () => {
    const parameters = (count: number) => Array.from({ length: count }, (_, index) => `p${index}=1`).join('&');
    expectRefusal(await get(`/assets?${parameters(51)}`), 400, 'VALIDATION_FAILED', { field: 'querystring', reason: 'too-many' });
    expectRefusal(await nobodyGets(`/withdrawals?${parameters(51)}`), 401, 'UNAUTHENTICATED');
    expectRefusal(await get(`/admin/stats?${parameters(51)}`), 403, 'FORBIDDEN');
    expect((await get(`/assets?${parameters(50)}`)).status).toBe(200);
  });

  it('JSON within JSON', async () => {
    const nested = (depth: number) => `{"amount":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
    expectRefusal(await post(nested(21)), 400, 'VALIDATION_FAILED', { field: 'body', reason: 'too-deep' });
    const allowed = await post(nested(20));
    expect(allowed.status).toBe(400);
    expect(allowed.body).not.toContain('too-deep');
  });
});

describe('what is not what it seems', () => {
  it.each(['{"__proto__":{"amount":"1"}}', '{"constructor":{"prototype":{"amount":"1"}}}', String.raw`{"\u005f_proto__":{"amount":"1"}}`, '{"amount":{"__proto__":{"x":1}}}'])('%s is refused, and nothing is polluted', async (body) => {
    expectRefusal(await post(body), 400, 'VALIDATION_FAILED', { field: 'body', reason: 'malformed-json' });
    expect(({} as { amount?: unknown }).amount).toBeUndefined();
  });

  it.each(['{"amount":"1","amount":"2"}', String.raw`{"amount":"1","\u0061mount":"1"}`])('%s says a name twice, and neither value is taken', async (body) => {
    expectRefusal(await post(body), 400, 'VALIDATION_FAILED', { field: 'body', reason: 'duplicate-names' });
  });

  it('a body that calls itself packed: 415, whatever it is', async () => {
    const body = JSON.stringify(BODY);
    for (const [coding, status] of [['gzip', 415], ['br', 415], ['identity', 202]] as const) {
      const answer = await send(`POST /withdrawals HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: ${api.user.bearer}\r\nidempotency-key: ${Math.random()}\r\ncontent-type: application/json\r\ncontent-encoding: ${coding}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      expect([coding, answer.status]).toEqual([coding, status]);
      if (status === 415) expectRefusal(answer, 415, 'UNSUPPORTED_MEDIA_TYPE');
    }
  });

  it('a parameter given twice is neither the first nor the last of the two', async () => {
    expectRefusal(await get('/withdrawals?limit=1&limit=2'), 400, 'VALIDATION_FAILED', { field: 'limit', reason: 'type' });
    expectRefusal(await get('/withdrawals?limit[]=1'), 400, 'VALIDATION_FAILED', { field: 'limit[]', reason: 'additionalProperties' });
  });

  it.each(['/withdrawals/..%2fadmin%2fstats', '/withdrawals%2F..%2Fadmin%2Fstats', '/withdrawals/%2e%2e/admin/stats', '//admin/stats', '/admin/stats%00', '/Admin/Stats', '/admin/stats/'])('%s is no other route', async (target) => {
    const answer = await get(target);
    expect([400, 404]).toContain(answer.status);
    expectRefusal(answer, answer.status, answer.status === 404 ? 'NOT_FOUND' : 'VALIDATION_FAILED');
  });

  it('two lengths of one body, or a length beside chunks: nothing is read after them', async () => {
    const hidden = 'GET /health HTTP/1.1\r\nhost: x\r\n\r\n';
    for (const header of ['content-length: 2\r\ncontent-length: 3', 'content-length: 2\r\ntransfer-encoding: chunked']) {
      const answer = await send(`POST /auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${header}\r\n\r\n{}${hidden}`);
      expectRefusal(answer, 400, 'VALIDATION_FAILED');
      expect(answer.body).not.toContain('HTTP/1.1');
    }
  });
});

describe('what Node would answer by itself', () => {
  it('a request without a host', async () => {
    expectRefusal(await send('GET /assets HTTP/1.1\r\nconnection: close\r\n\r\n'), 400, 'VALIDATION_FAILED', { field: 'Host', reason: 'required' });
    expect((await send('GET /assets HTTP/1.0\r\n\r\n')).status).toBe(200);
  });

  it('an expectation that nobody knows', async () => {
    expect((await get('/assets', 'expect: the-unexpected\r\n')).status).toBe(200);
  });
});

describe('who takes too long', () => {
  it('with the headers: 408', async () => {
    const { socket, text } = await open();
    socket.write('GET /assets HTTP/1.1\r\nhost: x\r\n');
    expectRefusal(parsed(await text), 408, 'REQUEST_TIMEOUT');
  });

  it('with the headers, a byte at a time: 408', async () => {
    const { socket, text } = await open();
    socket.write('GET /assets HTTP/1.1\r\nx-slow: ');
    const dribble = setInterval(() => socket.writable && socket.write('y'), 50);
    expectRefusal(parsed(await text), 408, 'REQUEST_TIMEOUT');
    clearInterval(dribble);
  });

  it('with the body', async () => {
    const { socket, text } = await open();
    socket.write('POST /auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{');
    const dribble = setInterval(() => socket.writable && socket.write(' '), 50);
    expectRefusal(parsed(await text), 408, 'REQUEST_TIMEOUT');
    clearInterval(dribble);
  });

  it('with saying anything at all: the connection is ended', async () => {
    const { text } = await open();
    expect(await text).toMatch(/^$|^HTTP\/1\.1 408 /);
  });

  it('we ourselves, with an answer: 503, and the connection is of use afterwards', async () => {
    const blocker = await api.database.pool.getConnection();
    await blocker.query('LOCK TABLES assets WRITE');
    try {
      const answer = await get('/assets');
      expectRefusal(answer, 503, 'SERVICE_UNAVAILABLE');
    } finally {
      await blocker.query('UNLOCK TABLES');
      blocker.release();
    }
    expect((await get('/assets')).status).toBe(200);
    expect((await get('/health')).status).toBe(200);
  });
});

it('no more connections are held than the limit says', async () => {
  expect(api.app.server.maxConnections).toBe(5_000);
  api.app.server.maxConnections = 2;
  try {
    const held = [await open(), await open()];
    // The third is accepted by the kernel and ended by the server.
    const third = await open();
    third.socket.write('GET /health HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(await third.text).toBe('');
    for (const { socket, text } of held) {
      socket.destroy();
      await text;
    }
    await expect.poll(async () => (await get('/health')).status, { timeout: 5_000 }).toBe(200);
  } finally {
    api.app.server.maxConnections = 5_000;
  }
});

it('a stream is not cut by the time an answer may take', async () => {
  const { requestId } = (await api.post(BODY)).json<{ requestId: string }>();
  const { socket, text } = await open();
  const startedAt = Date.now();
  socket.write(`GET /withdrawals/${requestId}/events HTTP/1.1\r\nhost: x\r\nauthorization: ${api.user.bearer}\r\n\r\n`);
  await once(socket, 'data');
  // What ends it here is the silence that this test allows, not the time for an answer.
  expect(await text).toContain('text/event-stream');
  expect(Date.now() - startedAt).toBeGreaterThan(2_500);
});
