import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { PASSWORD, startTestApi } from '../api.testkit.ts';

it('answers what is under way while closing, and waits for no client that keeps its connection', async () => {
  const api = await startTestApi();
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = api.app.server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true });
  // Hashing the password takes long enough to close the server meanwhile.
  const status = new Promise<number | undefined>((resolve, reject) => {
    const call = request({ agent, host: '127.0.0.1', port, path: '/auth/login', method: 'POST', headers: { 'content-type': 'application/json' } }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode));
    });
    call.once('error', reject);
    call.end(JSON.stringify({ email: api.user.email, password: PASSWORD }));
  });
  await once(api.app.server, 'request');
  const startedAt = Date.now();
  await api.app.close();
  expect(await status).toBe(200);
  expect(Date.now() - startedAt).toBeLessThan(3_000);
  agent.destroy();
  await api.close();
});
