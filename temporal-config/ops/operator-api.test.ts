import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openOperatorApi } from './operator-api.ts';

describe('the operator\'s side of the API', () => {
  let server: Server;
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  async function answering(listener: RequestListener) {
    server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return await openOperatorApi(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { token: 'token' });
  }

  it('takes an answer of the engine', async () => {
    const api = await answering((_, response) => response.writeHead(202, { 'content-type': 'application/json', 'x-correlation-id': 'c-1' }).end('{"status":"SIGNING"}'));
    expect(await api.post('/admin/transactions/tx/approve')).toEqual({ status: 'SIGNING' });
  });

  it.each([
    ['a page', '<!doctype html>', 'text/html'],
    ['JSON of something else', '{"status":"ok"}', 'application/json'],
  ])('takes no word from what is not the engine: %s', async (_, body, type) => {
    const api = await answering((_request, response) => response.writeHead(200, { 'content-type': type }).end(body));
    await expect(api.post('/admin/transactions/tx/approve')).rejects.toMatchObject({ kind: 'usage', message: expect.stringContaining('API_URL') as string });
  });

  it('tells a refusal from an outage', async () => {
    const refused = await answering((_, response) => response.writeHead(409, { 'content-type': 'application/json', 'x-correlation-id': 'c-1' }).end('{"error":{"code":"INVALID_STATE","message":"It is not waiting."}}'));
    await expect(refused.post('/x')).rejects.toMatchObject({ kind: 'refused', message: 'INVALID_STATE: It is not waiting.' });
    await new Promise((resolve) => server.close(resolve));
    const away = await answering((_, response) => response.writeHead(502).end('<h1>Bad gateway</h1>'));
    await expect(away.post('/x')).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('502') as string });
  });
});
