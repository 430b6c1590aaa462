import { setTimeout as sleep } from 'node:timers/promises';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../api.testkit.ts';
import { acceptOne, addEvent, setWithdrawal } from '../withdrawals.testkit.ts';

let api: TestApi;
let baseUrl: string;
beforeAll(async () => {
  api = await startTestApi();
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  baseUrl = `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`;
});
afterAll(() => api.close());

const open = (requestId: string, headers: Record<string, string> = {}) => fetch(`${baseUrl}/withdrawals/${requestId}/events`, { headers: { authorization: api.user.bearer, ...headers } });
const idsIn = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
const typesIn = (text: string) => [...text.matchAll(/^data: (.+)$/gm)].map(([, data]) => (JSON.parse(data ?? '') as { type: string }).type);

describe('GET /withdrawals/:requestId/events', () => {
  it('sends what happened, then what happens, and ends with the withdrawal', async () => {
    const requestId = await acceptOne(api);
    const response = await open(requestId);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(response.headers.get('x-correlation-id')).toBeTruthy();
    const text = response.text();
    await sleep(700);
    await addEvent(api, requestId, 'signed', 'SIGNED');
    await sleep(700);
    await addEvent(api, requestId, 'completed', 'COMPLETED');
    await setWithdrawal(api, requestId, { status: 'COMPLETED' });
    expect(typesIn(await text)).toEqual(['accepted', 'signed', 'completed']);
  });

  it('resumes after Last-Event-ID, and says 204 when nothing more will come', async () => {
    const requestId = await acceptOne(api);
    await addEvent(api, requestId, 'completed', 'COMPLETED');
    await setWithdrawal(api, requestId, { status: 'COMPLETED' });
    const ids = idsIn(await (await open(requestId)).text());
    expect(ids).toHaveLength(2);
    expect(idsIn(await (await open(requestId, { 'last-event-id': String(ids[0]) })).text())).toEqual(ids.slice(1));
    expect((await open(requestId, { 'last-event-id': String(ids[1]) })).status).toBe(204);
  });

  it('refuses a bad id, nobody and a stranger', async () => {
    const requestId = await acceptOne(api);
    expect((await open(requestId, { 'last-event-id': 'x' })).status).toBe(400);
    expect((await open(requestId, { authorization: '' })).status).toBe(401);
    expect((await open(requestId, { authorization: api.stranger.bearer })).status).toBe(404);
  });

  it('is open twenty times to one account, and again once one has gone; a HEAD holds no place', async () => {
    const requestId = await acceptOne(api);
    for (let time = 0; time < 25; time += 1) expect((await fetch(`${baseUrl}/withdrawals/${requestId}/events`, { method: 'HEAD', headers: { authorization: api.user.bearer } })).status).toBe(200);
    const gone = new AbortController();
    const url = `${baseUrl}/withdrawals/${requestId}/events`;
    const streams = await Promise.all(Array.from({ length: 20 }, () => fetch(url, { headers: { authorization: api.user.bearer }, signal: gone.signal })));
    expect(streams.map(({ status }) => status)).toEqual(streams.map(() => 200));
    const refused = await open(requestId);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10']);
    const admin = new AbortController();
    expect((await fetch(url, { headers: { authorization: api.admin.bearer }, signal: admin.signal })).status).toBe(200);
    for (const stream of [gone, admin]) stream.abort();
    await expect.poll(async () => {
      const again = new AbortController();
      const { status } = await fetch(url, { headers: { authorization: api.user.bearer }, signal: again.signal });
      again.abort();
      return status;
    }, { timeout: 10_000 }).toBe(200);
  });

  it('ends at once when the server closes', async () => {
    const { body } = await open(await acceptOne(api));
    if (!body) throw new Error('no stream');
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const read = async () => {
      const { value, done } = await reader.read();
      text += value ?? '';
      return done;
    };
    while (typesIn(text).length === 0) await read();
    const startedAt = Date.now();
    await api.app.close();
    while (!(await read()));
    expect(typesIn(text)).toEqual(['accepted']);
    expect(Date.now() - startedAt).toBeLessThan(3_000);
  });
});
