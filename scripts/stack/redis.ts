import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { aptInstall } from './apt.ts';
import { minimalEnv, type ChildSpec } from './child-spec.ts';
import { findExecutable } from './command.ts';
import { UserError } from '../command-line/user-error.ts';

export interface RedisOptions {
  readonly dir: string;
  readonly port: number;
  /** Letters and digits only. */
  readonly password: string;
}

/** Installs a Redis server where there is none. */
export async function ensureRedisInstalled(logFile: string): Promise<void> {
  if (findExecutable('redis-server', ['/usr/sbin']) !== undefined) return;
  await aptInstall(['redis-server'], 'set REDIS_URL to a Redis of your own', logFile);
}

/** With the name of the user whom `requirepass` is for: without one `redis-cli -u` (7.0) signs in as nobody, and is refused. */
export function redisUrl(options: Pick<RedisOptions, 'port' | 'password'>): string {
  return `redis://default:${options.password}@127.0.0.1:${options.port}/0`;
}

/** A Redis with an append-only file, synced every second; 127.0.0.1 only. */
export function redisSpec(options: RedisOptions): ChildSpec {
  const binary = findExecutable('redis-server', ['/usr/sbin']);
  if (binary === undefined) throw new UserError('redis-server is not installed: install it, or set REDIS_URL.');
  const config = join(options.dir, 'redis.conf');
  return {
    name: 'redis',
    command: binary,
    args: [config],
    env: minimalEnv,
    cwd: options.dir,
    readyTimeoutMs: 30_000,
    stopTimeoutMs: 10_000,
    exitsBeforeReadyMax: 1,
    beforeStart: async () => {
      mkdirSync(options.dir, { recursive: true, mode: 0o700 });
      // In a file, as a command line can be read by everybody.
      writeFileSync(
        config,
        [
          `port ${options.port}`,
          'bind 127.0.0.1',
          `dir ${JSON.stringify(options.dir)}`,
          `requirepass ${options.password}`,
          'appendonly yes',
          'appendfsync everysec',
          'save ""',
          'maxmemory-policy noeviction',
          'daemonize no',
          '',
        ].join('\n'),
        { mode: 0o600 },
      );
    },
    probe: async () => await ping(options),
  };
}

async function ping(options: RedisOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: options.port });
    let answer = '';
    const finish = (error?: Error): void => {
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.setTimeout(2_000, () => finish(new Error('Redis did not answer PING within 2 s')));
    socket.once('error', finish);
    socket.once('close', () => finish(new Error('Redis closed the connection')));
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      if (answer.includes('+PONG')) finish();
      // While the append-only file is read, PING is answered with -LOADING.
      else if (/^-/m.test(answer)) finish(new Error(`Redis answered: ${answer.trim()}`));
    });
    socket.write(`AUTH ${options.password}\r\nPING\r\n`);
  });
}
