import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { askReady } from './ready.ts';

let server: Server;
afterEach(() => new Promise((resolve) => server.close(resolve)));

async function answering(body: string): Promise<string> {
  server = createServer((_request, response) => response.end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const up = { status: 'up' };
const behind = { status: 'down', detail: 'BOOKS_BEHIND' };

describe('whether the sandbox runs', () => {
  it.each([
    ['all are up', { status: 'ready', dependencies: { database: up, books: up } }, 'ready'],
    ['only a recovery is due', { status: 'degraded', dependencies: { database: up, books: behind } }, 'recovery-due'],
    ['a recovery is due and a role is missing', { status: 'degraded', dependencies: { chain: { status: 'down' }, books: behind } }, { notReady: expect.stringContaining('/ready answers 200') }],
    ['the books were not looked at yet', { status: 'degraded', dependencies: { books: { status: 'down', detail: 'SERVICE_UNAVAILABLE' } } }, { notReady: expect.any(String) }],
  ])('%s', async (_what, body, expected) => {
    expect(await askReady(await answering(JSON.stringify(body)))).toEqual(expected);
  });

  it('says what answers no JSON', async () => {
    expect(await askReady(await answering('<html>'))).toEqual({ notReady: '/ready answers no JSON' });
  });
});
