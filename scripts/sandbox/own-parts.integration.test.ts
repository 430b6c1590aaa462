import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, freePorts, startInfrastructure, type Infrastructure } from '../stack/infrastructure.ts';
import { checkOwnParts } from './own-parts.ts';

const stateDir = mkdtempSync(join(tmpdir(), 'own-parts-'));
const KEY = 'key-of-a-provider-0123456789';
let infrastructure: Infrastructure;
let urls: Record<'DATABASE_URL' | 'REDIS_URL' | 'TEMPORAL_ADDRESS' | 'POLYGON_RPC_URL', string>;
let nobody: string;
/** takes connections and says nothing */
let silent: Server;
let silentPort: number;

beforeAll(async () => {
  infrastructure = await startInfrastructure({ stateDir, ports: await freePorts(), parts: ['mysql', 'redis', 'temporal', 'chain'] });
  const { databaseUrl = '', redisUrl = '', temporalAddress = '', rpcUrl = '' } = infrastructure.urls;
  urls = { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, TEMPORAL_ADDRESS: temporalAddress, POLYGON_RPC_URL: rpcUrl };
  nobody = `127.0.0.1:${await freePort()}`;
  silentPort = await freePort();
  silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(silentPort, '127.0.0.1', resolve));
});
afterAll(async () => {
  silent?.close();
  await infrastructure?.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

/** What is said, a line for each part; nothing where all can be used. */
async function complaints(env: Record<string, string>, chainId = 80_002): Promise<string[]> {
  return await checkOwnParts({ env, chainId, temporalNamespace: 'default' }).then(() => [], (error: unknown) => (error as Error).message.split('\n'));
}

const changed = (url: string, change: Partial<URL>): string => Object.assign(new URL(url), change).href;

describe('parts of the starter\'s own', () => {
  it('can be used as they are, with one node of several away', async () => {
    expect(await complaints({ ...urls, POLYGON_RPC_URL: `http://${nobody}/${KEY}, ${urls.POLYGON_RPC_URL}` })).toEqual([]);
    expect(await complaints({})).toEqual([]);
  });

  it('are all told of at once, each by its variable', async () => {
    const said = await complaints({ DATABASE_URL: `mysql://u:p@${nobody}/d`, REDIS_URL: `redis://${nobody}`, TEMPORAL_ADDRESS: nobody, POLYGON_RPC_URL: `http://${nobody}/${KEY}`, AWS_ENDPOINT_URL: `http://${nobody}` });
    expect(said.map((line) => line.split(':')[0])).toEqual(['DATABASE_URL', 'REDIS_URL', 'TEMPORAL_ADDRESS', 'POLYGON_RPC_URL', 'AWS_ENDPOINT_URL'].map((name) => `${name} cannot be used`));
    for (const line of said) expect(line).toContain(nobody);
    expect(said.join()).not.toContain(KEY);
  });

  it('say why, and show no password', async () => {
    const secret = 'not-the-password';
    expect(await complaints({ DATABASE_URL: changed(urls.DATABASE_URL, { password: secret }) })).toEqual([expect.stringMatching(/^DATABASE_URL cannot be used: Access denied for user 'withdrawals'/)]);
    expect(await complaints({ DATABASE_URL: changed(urls.DATABASE_URL, { pathname: '/nothing' }) })).toEqual([expect.stringMatching(/Access denied|Unknown database/)]);
    expect(await complaints({ REDIS_URL: changed(urls.REDIS_URL, { password: secret }) })).toEqual([expect.stringMatching(/^REDIS_URL cannot be used: WRONGPASS/)]);
    expect(await complaints({ REDIS_URL: changed(urls.REDIS_URL, { password: '' }) })).toEqual([expect.stringMatching(/^REDIS_URL cannot be used: (NOAUTH|WRONGPASS)/)]);
    expect(await complaints({ POLYGON_RPC_URL: urls.POLYGON_RPC_URL }, 137)).toEqual([expect.stringMatching(/^POLYGON_RPC_URL cannot be used: endpoint 1 \(127\.0\.0\.1:\d+\) is not of chain 137/)]);
    expect(await complaints({ TEMPORAL_ADDRESS: urls.TEMPORAL_ADDRESS, TEMPORAL_TLS: 'yes' })).toEqual(['TEMPORAL_ADDRESS cannot be used: TEMPORAL_TLS must be true or false.']);
  });

  it.each([
    ['DATABASE_URL', 'postgres://h/d', 'give mysql://user:password@host:port/database'],
    ['DATABASE_URL', 'mysql://u:p@h:3306', 'give mysql://user:password@host:port/database'],
    ['REDIS_URL', 'h:6379', 'give redis://:password@host:port, or rediss:// for TLS'],
    ['POLYGON_RPC_URL', 'wss://h', 'RPC endpoint 1 is not an http or https URL.'],
    ['POLYGON_RPC_URL', ',', 'it names no node'],
  ])('are refused where %s is %s', async (variable, value, why) => {
    expect(await complaints({ [variable]: value })).toEqual([`${variable} cannot be used: ${why}`]);
  });

  it('that take a connection and say nothing are waited for no longer than some seconds', async () => {
    const at = `127.0.0.1:${silentPort}`;
    const said = await complaints({ DATABASE_URL: `mysql://u:p@${at}/d`, REDIS_URL: `redis://${at}`, TEMPORAL_ADDRESS: at, POLYGON_RPC_URL: `http://${at}`, AWS_ENDPOINT_URL: `http://${at}` });
    expect(said).toHaveLength(5);
  }, 15_000);
});
