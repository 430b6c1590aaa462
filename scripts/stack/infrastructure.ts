import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { anvilSpec, anvilUrl, ensureAnvilInstalled, SANDBOX_CHAIN_ID } from './anvil.ts';
import type { ChildSpec } from './child-spec.ts';
import { ensureMariadbInstalled, mariadbSpec, mariadbUrl } from './mariadb.ts';
import { ensureMotoInstalled, motoSpec, motoUrl } from './moto.ts';
import { statePaths, type StatePaths } from './paths.ts';
import { freePort, type PortName, type Ports } from './ports.ts';
import { INFRASTRUCTURE } from './privileges.ts';
import type { Progress } from '../command-line/progress.ts';
import { ensureRedisInstalled, redisSpec, redisUrl } from './redis.ts';
import { stopLeftovers, Supervisor, type Log } from './supervisor.ts';
import { ensureTemporalInstalled, temporalSpec } from './temporal.ts';
import { ensureTemporalUiInstalled, temporalUiSpec, temporalUiUrl } from './temporal-ui.ts';
import { oneLine, UserError } from '../command-line/user-error.ts';

export { freePort, freePorts } from './ports.ts';

export type PartName = 'mysql' | 'redis' | 'temporal' | 'temporalUi' | 'chain' | 'aws';
export const PARTS: readonly PartName[] = ['mysql', 'redis', 'temporal', 'temporalUi', 'chain', 'aws'];

/** The variable that points each part elsewhere; a part whose variable is set is not embedded. */
const REPLACED_BY: Readonly<Record<PartName, readonly string[]>> = {
  mysql: ['DATABASE_URL'],
  redis: ['REDIS_URL'],
  temporal: ['TEMPORAL_ADDRESS'],
  // Whoever runs a Temporal of their own runs its Web UI too.
  temporalUi: ['TEMPORAL_ADDRESS'],
  chain: ['POLYGON_RPC_URL'],
  aws: ['AWS_ENDPOINT_URL', 'AWS_REGION'],
};

export function embeddedParts(env: NodeJS.ProcessEnv): PartName[] {
  return PARTS.filter((part) => REPLACED_BY[part].every((variable) => (env[variable] ?? '') === ''));
}

export const PART_PORTS: Readonly<Record<PartName, readonly PortName[]>> = {
  mysql: ['mysql'],
  redis: ['redis'],
  temporal: ['temporal'],
  temporalUi: ['temporalUi'],
  chain: ['chain'],
  aws: ['moto'],
};

const TITLES: Readonly<Record<PartName, string>> = {
  mysql: 'MariaDB',
  redis: 'Redis',
  temporal: 'Temporal',
  temporalUi: 'Temporal Web UI',
  chain: 'Chain (anvil)',
  aws: 'Secret store (moto)',
};

/** The addresses of the embedded parts; a part that is not embedded has none. */
export interface InfrastructureUrls {
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
  readonly temporalAddress?: string;
  readonly temporalUiUrl?: string;
  readonly rpcUrl?: string;
  readonly awsEndpointUrl?: string;
}

interface Passwords {
  readonly database: string;
  readonly redis: string;
}

// Generated once: a database that was there before keeps being reachable by what others noted down.
function ensurePasswords(paths: StatePaths): Passwords {
  const file = join(paths.root, 'infrastructure.json');
  mkdirSync(paths.root, { recursive: true, mode: 0o755 });
  if (!existsSync(file)) {
    const passwords: Passwords = { database: randomBytes(18).toString('hex'), redis: randomBytes(18).toString('hex') };
    writeFileSync(`${file}.new`, JSON.stringify(passwords), { mode: 0o600, flush: true });
    renameSync(`${file}.new`, file);
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Passwords;
}

/** Installs whatever an embedded part needs and lacks. Called again, it finds everything there. */
export async function installParts(parts: readonly PartName[], paths: StatePaths, progress: Progress): Promise<void> {
  mkdirSync(paths.logs, { recursive: true });
  const logFile = join(paths.logs, 'install.log');
  const install: Readonly<Record<PartName, (note: (text: string) => void) => Promise<void>>> = {
    mysql: async () => await ensureMariadbInstalled(logFile),
    redis: async () => await ensureRedisInstalled(logFile),
    temporal: async (note) => await ensureTemporalInstalled(logFile, note),
    temporalUi: async (note) => await ensureTemporalUiInstalled(logFile, note),
    chain: async () => await ensureAnvilInstalled(),
    aws: async () => await ensureMotoInstalled(logFile),
  };
  // Temporal may have to be built for minutes: the others install meanwhile.
  const results = await Promise.allSettled(
    parts.map(async (part) => await progress.step(`${TITLES[part]} installed`, async (note) => await install[part](note))),
  );
  throwAll(results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : [])));
}

/** Whoever has to install something by hand wants to know all of it at once. */
function throwAll(failures: readonly unknown[]): void {
  const [first, ...more] = failures;
  if (first === undefined) return;
  const defect = failures.find((failure) => !(failure instanceof UserError));
  if (defect !== undefined || more.length === 0) throw defect ?? first;
  throw new UserError([...new Set(failures.map((failure) => oneLine(failure)))].join('\n'), { cause: first });
}

/** What to run for the given parts, and where they will be found. Nothing is started yet; installs must be done. */
export function infrastructureSpecs(
  parts: readonly PartName[],
  paths: StatePaths,
  ports: Ports,
  blockTimeSeconds = 2,
): { specs: { part: PartName; title: string; spec: ChildSpec }[]; urls: InfrastructureUrls } {
  const passwords = ensurePasswords(paths);
  const specs: { part: PartName; title: string; spec: ChildSpec }[] = [];
  const urls: { -readonly [Key in keyof InfrastructureUrls]: InfrastructureUrls[Key] } = {};
  const add = (part: PartName, spec: ChildSpec): void => {
    specs.push({ part, title: TITLES[part], spec });
  };
  if (parts.includes('mysql')) {
    const options = { dir: join(paths.root, 'mariadb'), port: ports.mysql, password: passwords.database, logFile: join(paths.logs, 'mariadb.log') };
    add('mysql', mariadbSpec(options));
    urls.databaseUrl = mariadbUrl(options);
  }
  if (parts.includes('redis')) {
    const options = { dir: join(paths.root, 'redis'), port: ports.redis, password: passwords.redis };
    add('redis', redisSpec(options));
    urls.redisUrl = redisUrl(options);
  }
  if (parts.includes('chain')) {
    const options = { dir: join(paths.root, 'anvil'), port: ports.chain, blockTimeSeconds };
    add('chain', anvilSpec(options));
    urls.rpcUrl = anvilUrl(options);
  }
  if (parts.includes('aws')) {
    const options = { dir: join(paths.root, 'moto'), port: ports.moto };
    add('aws', motoSpec(options));
    urls.awsEndpointUrl = motoUrl(options);
  }
  if (parts.includes('temporal')) {
    add('temporal', temporalSpec({ dir: join(paths.root, 'temporal'), port: ports.temporal }));
    urls.temporalAddress = `127.0.0.1:${ports.temporal}`;
  }
  if (parts.includes('temporalUi')) {
    const options = { dir: join(paths.root, 'temporal-ui'), port: ports.temporalUi, temporalPort: ports.temporal, codecPort: ports.codec };
    add('temporalUi', temporalUiSpec(options));
    urls.temporalUiUrl = temporalUiUrl(options);
  }
  return { specs, urls };
}

export interface InfrastructureOptions {
  readonly stateDir: string;
  readonly ports: Ports;
  /** Which parts to run; all where left out. */
  readonly parts?: readonly PartName[];
  readonly log?: Log;
  readonly blockTimeSeconds?: number;
}

export interface Infrastructure {
  readonly urls: InfrastructureUrls;
  readonly stop: () => Promise<void>;
}

const silent: Progress = { step: async (_title, action) => await action(() => undefined) };

/**
 * Installs (where needed) and starts real parts for tests, all state below `stateDir`, and resolves when each answers.
 * A part that crashes is started again. A second call on the same directory finds the same data; two at the same time
 * must not share one. Throws UserError, after stopping what had started.
 */
export async function startInfrastructure(options: InfrastructureOptions): Promise<Infrastructure> {
  const paths = statePaths(options.stateDir);
  const parts = options.parts ?? PARTS;
  await stopLeftovers(paths, [INFRASTRUCTURE]);
  await installParts(parts, paths, silent);
  const supervisor = new Supervisor(paths, options.log ?? (() => undefined));
  const stop = async (): Promise<void> => await supervisor.stop([INFRASTRUCTURE]);
  try {
    const { specs, urls } = infrastructureSpecs(parts, paths, options.ports, options.blockTimeSeconds);
    await Promise.all(specs.map(async ({ spec }) => await supervisor.start(spec)));
    return { urls, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export interface StartedAnvil {
  readonly url: string;
  readonly chainId: number;
  readonly stop: () => Promise<void>;
}

/** A chain for a test; without a `stateDir` its state goes when it stops. Port 0 or none: a free one. */
export async function startAnvil(options: { stateDir?: string; port?: number; chainId?: number; blockTimeSeconds: number }): Promise<StartedAnvil> {
  const port = options.port || (await freePort());
  const chainId = options.chainId ?? SANDBOX_CHAIN_ID;
  const temporary = options.stateDir === undefined ? mkdtempSync(join(tmpdir(), 'anvil-')) : undefined;
  const paths = statePaths(options.stateDir ?? temporary ?? '');
  const supervisor = new Supervisor(paths, () => undefined);
  const stop = async (): Promise<void> => {
    await supervisor.stop([]);
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
  };
  const dir = options.stateDir === undefined ? {} : { dir: join(paths.root, 'anvil') };
  try {
    await supervisor.start(anvilSpec({ ...dir, port, chainId, blockTimeSeconds: options.blockTimeSeconds }));
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: anvilUrl({ port }), chainId, stop };
}
