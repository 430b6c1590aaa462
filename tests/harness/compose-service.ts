import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isOnce, targetOf, withDefaults, type Service } from '../../docker/compose.testkit.ts';

/** A container's world on a machine without Docker. */
export interface ContainerWorld {
  /** what the image has in /app */
  appDir: string;
  /** where the secrets' files are, /run/secrets in a container */
  secretsDir: string;
  /** a directory for each volume, by the volume's name */
  volumeDir: (volume: string) => string;
  /** host:port as containers reach it, and what it is here */
  addresses: ReadonlyMap<string, string>;
  /** a port that a container opens, and what it is here: containers have ports of their own, processes share this machine's */
  portOf: (service: string, port: string) => string;
  /** what the image has in /usr/local/bin beside Node */
  programsDir?: string;
  /** what to start Node with, so that it runs as in the service's container */
  node: (service: Service) => readonly string[];
}

export interface RunningService {
  name: string;
  output: () => string;
  /** asks as the container's health check does */
  isHealthy: () => Promise<boolean>;
  /** SIGTERM; resolves to the exit code, or the signal */
  stop: () => Promise<number | string>;
  ended: Promise<number | string>;
}

const IMAGE_ENTRYPOINT = /^ENTRYPOINT (\[.*\])$/m;

/**
 * Runs a service of docker/compose.yaml that one of our own images runs: the image's entry point with the service's command, and the
 * service's environment and nothing else of this machine.
 * @param input what it reads from standard input
 */
export function startService(name: string, service: Service, world: ContainerWorld, input = ''): RunningService {
  const inWorld = (text: string): string => translate(withDefaults(text), name, service, world);
  const [program, ...args] = [...imageEntrypoint(service), ...(service.command ?? [])].map(inWorld);
  if (program !== 'node') throw new Error(`the image starts ${program}`);
  const env = Object.fromEntries(Object.entries(service.environment ?? {}).map(([key, value]) => [key, inWorld(/_?PORT$/.test(key) ? world.portOf(name, value) : value)]));
  const [node = process.execPath, ...before] = world.node(service);
  const child = spawn(node, [...before, ...args], { cwd: world.appDir, env: { ...imageEnv(service, world), ...env }, stdio: 'pipe' });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  const ended = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  return {
    name,
    output: () => output,
    ended,
    isHealthy: async () => {
      const [, checker = '', ...rest] = service.healthcheck?.test ?? [];
      if (checker !== 'node') throw new Error(`${name} is checked by ${checker}`);
      return (await exitOf(spawn(node, [...before, ...rest.map(inWorld)], { cwd: world.appDir, env: imageEnv(service, world), stdio: 'ignore' }))) === 0;
    },
    stop: async () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/** Runs it to its end where it runs once, else until its health check passes. Throws with its output. */
export async function untilUp(running: RunningService, service: Service, timeoutMs: number): Promise<void> {
  const failed = (what: string): Error => new Error(`${running.name} ${what}:\n${running.output().slice(-4_000)}`);
  if (isOnce(service)) {
    const code = await running.ended;
    if (code !== 0) throw failed(`ended with ${code}`);
    return;
  }
  let end: number | string | undefined;
  void running.ended.then((code) => (end = code));
  const deadline = Date.now() + timeoutMs;
  while (!(await running.isHealthy())) {
    if (end !== undefined) throw failed(`ended with ${end}`);
    if (Date.now() > deadline) throw failed(`is not healthy after ${timeoutMs / 1_000} s`);
    await sleep(500);
  }
}

/** Of the target in docker/Dockerfile. */
function imageEntrypoint(service: Service): string[] {
  const dockerfile = readFileSync(new URL('../../docker/Dockerfile', import.meta.url), 'utf8');
  const stage = dockerfile.split(/^FROM /m).find((each) => each.split('\n', 1)[0]?.endsWith(` AS ${targetOf(service)}`)) ?? '';
  return JSON.parse(IMAGE_ENTRYPOINT.exec(stage)?.[1] ?? '') as string[];
}

/** What the images set; moto is found where it is on this machine. */
function imageEnv(service: Service, { programsDir }: ContainerWorld): Record<string, string> {
  const { PATH: path = '', XDG_CACHE_HOME: cache, HOME = '' } = process.env;
  const PATH = programsDir === undefined ? path : `${programsDir}:${path}`;
  return { PATH, HOME: '/tmp', NODE_ENV: 'production', ...(targetOf(service) === 'sandbox' && { XDG_CACHE_HOME: cache || join(HOME, '.cache') }) };
}

function translate(text: string, name: string, service: Service, world: ContainerWorld): string {
  let translated = text.replaceAll('/run/secrets/', `${world.secretsDir}/`).replaceAll(/(?<![\w.])\/app\//g, `${world.appDir}/`);
  for (const mount of service.volumes ?? []) {
    const [source = '', target = ''] = mount.split(':');
    if (!source.startsWith('.') && translated === target) translated = world.volumeDir(source);
  }
  translated = translated.replaceAll(/127\.0\.0\.1:(\d+)/g, (_, port: string) => `127.0.0.1:${world.portOf(name, port)}`);
  for (const [there, here] of world.addresses) translated = translated.replaceAll(new RegExp(`(?<![\\w.-])${there}(?!\\d)`, 'g'), here);
  return translated;
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
}
