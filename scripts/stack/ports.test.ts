import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { assertPortsFree, freePort, freePorts, isPortFree, PORT_SLICE_VARIABLE, PORT_SLICES, portsFromEnv } from './ports.ts';

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server = undefined;
  vi.unstubAllEnvs();
});

async function occupy(port: number): Promise<void> {
  server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
}

describe('ports', () => {
  it('come from their variables, or are the defaults', () => {
    expect(portsFromEnv({ PORT: '3100', REDIS_PORT: '' })).toMatchObject({ api: 3100, redis: 16379, metrics: 19464 });
  });

  it.each(['0', '65536', '80.5', 'http'])('refuse "%s" with the name of the variable', (text) => {
    expect(() => portsFromEnv({ CHAIN_PORT: text })).toThrow(`CHAIN_PORT must be a port from 1 to 65535, but is "${text}".`);
  });

  it('that are taken are named with what they are for and the variable that moves them', async () => {
    const ports = await freePorts();
    await occupy(ports.chain);
    expect(await isPortFree(ports.chain)).toBe(false);
    await expect(assertPortsFree(ports, ['mysql', 'chain'], '127.0.0.1')).rejects.toThrow(
      `Port ${ports.chain} (the chain) is taken by another program; choose another with CHAIN_PORT=<port>.`,
    );
    await expect(assertPortsFree(ports, ['mysql', 'redis'], '127.0.0.1')).resolves.toBeUndefined();
  });

  it('of the four workers are all looked at', async () => {
    const ports = await freePorts();
    await occupy(ports.metrics + 3);
    await expect(assertPortsFree(ports, ['metrics'], '127.0.0.1')).rejects.toThrow(`Port ${ports.metrics + 3}`);
  });

  it('handed out as free can be listened on, and are none the system gives to outgoing connections', async () => {
    const port = await freePort();
    await occupy(port);
    expect(server?.listening).toBe(true);
    expect(port).toBeLessThan(32_768);
  });

  it('handed out as free are not handed out again, though nobody listens on them yet', async () => {
    vi.stubEnv(PORT_SLICE_VARIABLE, '0');
    const ports = await Promise.all(Array.from({ length: 100 }, () => freePort()));
    expect(new Set(ports).size).toBe(100);
  });

  it('are never the same for two programs that look at once, each in a slice of its own', async () => {
    const ranges: { lowest: number; highest: number }[] = [];
    for (let slice = 0; slice < PORT_SLICES; slice += 1) {
      vi.stubEnv(PORT_SLICE_VARIABLE, String(slice));
      const { metrics, ...rest } = await freePorts();
      const found = [...Object.values(rest), metrics, metrics + 3];
      ranges.push({ lowest: Math.min(...found), highest: Math.max(...found) });
    }
    for (const [index, { lowest }] of ranges.slice(1).entries()) expect(lowest).toBeGreaterThan(ranges[index]?.highest ?? Infinity);
    expect(ranges.at(-1)?.highest).toBeLessThan(32_768);
  });
});
