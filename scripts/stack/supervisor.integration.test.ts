import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { minimalEnv, type ChildSpec } from './child-spec.ts';
import { statePaths, type StatePaths } from './paths.ts';
import { freePort } from './ports.ts';
import type { ChildName } from './privileges.ts';
import { identityOf, isSameProcess, writePidFile } from './process-identity.ts';
import { stopLeftovers, Supervisor } from './supervisor.ts';
import { pollUntilReady } from './wait.ts';

let paths: StatePaths;
let supervisor: Supervisor;
let lines: string[];

beforeEach(() => {
  paths = statePaths(mkdtempSync(join(tmpdir(), 'supervisor-')));
  lines = [];
  supervisor = new Supervisor(paths, (level, message) => lines.push(`${level} ${message}`));
});
afterEach(async () => {
  await supervisor.stop([]);
  rmSync(paths.root, { recursive: true, force: true });
});

/** A real process that listens, answers with its environment, and notes its end. */
async function listener(name: ChildName, options: { onTerm?: string; exitsBeforeReadyMax?: number } = {}): Promise<ChildSpec> {
  const port = await freePort();
  const script = `
    const { appendFileSync } = require('node:fs');
    require('node:http').createServer((_, answer) => answer.end(JSON.stringify(process.env))).listen(${port}, '127.0.0.1');
    process.on('SIGTERM', () => { ${options.onTerm ?? `appendFileSync(${JSON.stringify(join(paths.root, 'ends'))}, '${name}\\n'); process.exit(0);`} });`;
  return {
    name,
    command: process.execPath,
    args: ['-e', script],
    env: () => ({ ...minimalEnv(), OWN: name }),
    cwd: paths.root,
    probe: async () => {
      await (await fetch(`http://127.0.0.1:${port}/`)).text();
    },
    readyTimeoutMs: 20_000,
    stopTimeoutMs: 1_000,
    exitsBeforeReadyMax: options.exitsBeforeReadyMax ?? 1,
  };
}

const pidOf = (name: string): number => Number(readFileSync(join(paths.run, `${name}.pid`), 'utf8'));

describe('Supervisor', () => {
  it("writes the pid of the child itself, and starts a killed child again", async () => {
    const spec = await listener('tx-monitor');
    await supervisor.start(spec);
    const first = pidOf('tx-monitor');
    expect(readFileSync(`/proc/${first}/cmdline`, 'utf8').split('\0')[0]).toBe(process.execPath);
    process.kill(first, 'SIGKILL');
    await pollUntilReady('the restart', async () => {
      expect(existsSync(join(paths.run, 'tx-monitor.pid'))).toBe(true);
      expect(pidOf('tx-monitor')).not.toBe(first);
      await spec.probe();
    }, { timeoutMs: 15_000 });
    expect(lines.some((line) => line.includes('was ended by SIGKILL; starting it again in 200 ms'))).toBe(true);
  });

  it('gives a child its own variables and none of the starter', async () => {
    process.env['SECRET_OF_THE_STARTER'] = 'x';
    const spec = await listener('api-server');
    let seen = '';
    await supervisor.start({
      ...spec,
      afterReady: async () => {
        seen = readFileSync(`/proc/${pidOf('api-server')}/environ`, 'utf8');
      },
    });
    delete process.env['SECRET_OF_THE_STARTER'];
    expect(seen).toContain('OWN=api-server');
    expect(seen).not.toContain('SECRET_OF_THE_STARTER');
  });

  it('stops the first group before the second', async () => {
    await supervisor.start(await listener('redis'));
    await supervisor.start(await listener('api-server'));
    await supervisor.stop([['api-server'], ['redis']]);
    expect(readFileSync(join(paths.root, 'ends'), 'utf8')).toBe('api-server\nredis\n');
    expect(existsSync(join(paths.run, 'redis.pid'))).toBe(false);
  });

  it('kills a child that does not stop in its time', async () => {
    await supervisor.start(await listener('redis', { onTerm: '' }));
    const identity = identityOf(pidOf('redis'));
    const startedAt = Date.now();
    await supervisor.stop([]);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(1_000);
    expect(identity !== undefined && isSameProcess(identity)).toBe(false);
    expect(lines).toContain('WARN redis did not stop within 1 s and was killed');
  });

  it('gives a child up that ends before it is ready, and shows the end of its log', async () => {
    const spec: ChildSpec = {
      ...(await listener('tx-broadcaster')),
      args: ['-e', 'console.error("POLYGON_RPC_URL is not set"); process.exit(3)'],
      exitsBeforeReadyMax: 3,
    };
    await expect(supervisor.start(spec)).rejects.toThrow(/tx-broadcaster ended with code 3\. See .*tx-broadcaster\.log, which ends:\n(.*\n)*.*POLYGON_RPC_URL is not set/);
    expect(readFileSync(join(paths.logs, 'tx-broadcaster.log'), 'utf8').match(/is not set/g)).toHaveLength(3);
  });

  it('says which program cannot be run', async () => {
    const spec: ChildSpec = { ...(await listener('moto')), command: '/no/such/program' };
    await expect(supervisor.start(spec)).rejects.toThrow(/moto /);
  });
});

describe('stopLeftovers', () => {
  it('stops the very process a pid file names, and leaves a stranger with that pid alone', async () => {
    const left = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    try {
      writePidFile(paths.run, 'redis', left.pid ?? 0);
      writePidFile(paths.run, 'moto', stranger.pid ?? 0);
      // As after a reboot or a wrap of the pids: same pid, another start.
      writeFileSync(join(paths.run, 'moto.id'), JSON.stringify({ pid: stranger.pid, startedAt: 'another boot/1' }));
      expect(await stopLeftovers(paths, [['redis'], ['moto']])).toEqual(['redis']);
      await pollUntilReady('the end', async () => expect(left.signalCode).toBe('SIGTERM'), { timeoutMs: 5_000 });
      expect(stranger.exitCode).toBeNull();
      expect(stranger.signalCode).toBeNull();
      expect(existsSync(join(paths.run, 'moto.pid'))).toBe(false);
    } finally {
      left.kill('SIGKILL');
      stranger.kill('SIGKILL');
    }
  });
});
