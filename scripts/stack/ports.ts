import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { parsePort } from '../../domain/port.ts';
import { orUserError, UserError } from '../command-line/user-error.ts';

/** Every port of a sandbox, with the variable that moves it and its default. */
export const PORT_VARIABLES = {
  api: { variable: 'PORT', default: 3000, what: 'the API' },
  temporal: { variable: 'TEMPORAL_PORT', default: 7233, what: 'Temporal' },
  temporalUi: { variable: 'TEMPORAL_UI_PORT', default: 8233, what: 'the Temporal Web UI' },
  codec: { variable: 'CODEC_PORT', default: 8234, what: 'the codec server of the Web UI' },
  mysql: { variable: 'MYSQL_PORT', default: 13306, what: 'the database' },
  redis: { variable: 'REDIS_PORT', default: 16379, what: 'Redis' },
  chain: { variable: 'CHAIN_PORT', default: 8545, what: 'the chain' },
  moto: { variable: 'MOTO_PORT', default: 15000, what: 'the secret store' },
  metrics: { variable: 'METRICS_PORT_BASE', default: 19464, what: 'the metrics of the workers' },
} as const;

export type PortName = keyof typeof PORT_VARIABLES;
export type Ports = Readonly<Record<PortName, number>>;

/** Reads the ports from the environment. Throws UserError where a variable holds no port. */
export function portsFromEnv(env: NodeJS.ProcessEnv = process.env): Ports {
  const entries = Object.entries(PORT_VARIABLES).map(([name, { variable, default: fallback }]) => {
    const text = env[variable];
    if (text === undefined || text === '') return [name, fallback] as const;
    return [name, orUserError(() => parsePort(variable, text, 1))] as const;
  });
  return Object.fromEntries(entries) as Ports;
}

/** Whether a listener could be opened on this port of the given address right now. */
export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Below 32768 and 49152, where Linux and macOS begin to take ports for outgoing connections. */
const FREE_PORTS = { from: 20_000, to: 32_000 } as const;
/** Whoever lets several programs look for ports at once gives each a part of its own by this variable: two may find the same one free. */
export const PORT_SLICE_VARIABLE = 'FREE_PORTS_SLICE';
/** As many programs may look at once. */
export const PORT_SLICES = 16;
const SLICE_PORTS = Math.floor((FREE_PORTS.to - FREE_PORTS.from) / PORT_SLICES);
/** Free until whoever asked listens on them, which may be later than the next question. */
const handedOut = new Set<number>();

/** One metrics port for each of the four workers, counted up from the base. */
export const METRICS_PORTS = 4;

/** Of that part, or of all. */
function freePortRange(): { from: number; to: number } {
  const slice = process.env[PORT_SLICE_VARIABLE];
  if (slice === undefined) return FREE_PORTS;
  const from = FREE_PORTS.from + (Number(slice) % PORT_SLICES) * SLICE_PORTS;
  return { from, to: from + SLICE_PORTS };
}

/**
 * A TCP port of 127.0.0.1, or the first of several in a row, that nobody listens on at this moment and this process was not given before.
 * It lies outside of what the system takes for outgoing connections: of those, one of a busy machine could hold it when the caller, or a
 * process that is started again later, comes to bind it.
 */
export async function freePort(inARow = 1): Promise<number> {
  const { from, to } = freePortRange();
  for (;;) {
    const first = randomInt(from, to - inARow + 1);
    const row = Array.from({ length: inARow }, (_, index) => first + index);
    if (row.some((port) => handedOut.has(port))) continue;
    for (const port of row) handedOut.add(port);
    if (handedOut.size > (to - from) / 2) handedOut.clear();
    const free = await Promise.all(row.map((port) => isPortFree(port)));
    if (free.every(Boolean)) return first;
  }
}

/** A free port for each part of a sandbox; the metrics base has three free ports above it. */
export async function freePorts(): Promise<Ports> {
  const ports: Partial<Record<PortName, number>> = {};
  for (const name of Object.keys(PORT_VARIABLES) as PortName[]) ports[name] = await freePort(name === 'metrics' ? METRICS_PORTS : 1);
  return ports as Ports;
}

/** Throws UserError naming every port among `names` that someone else holds, and the variable that moves it. */
export async function assertPortsFree(ports: Ports, names: readonly PortName[], apiHost: string): Promise<void> {
  const complaints: string[] = [];
  for (const name of names) {
    const { variable, what } = PORT_VARIABLES[name];
    const count = name === 'metrics' ? METRICS_PORTS : 1;
    for (let port = ports[name]; port < ports[name] + count; port += 1) {
      if (await isPortFree(port, name === 'api' ? apiHost : '127.0.0.1')) continue;
      complaints.push(`port ${port} (${what}) is taken by another program; choose another with ${variable}=<port>`);
    }
  }
  if (complaints.length > 0) {
    const text = complaints.join('; ');
    throw new UserError(`${text.charAt(0).toUpperCase()}${text.slice(1)}.`);
  }
}
