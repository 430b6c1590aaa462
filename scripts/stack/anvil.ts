import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { minimalEnv, type ChildSpec } from './child-spec.ts';
import { UserError } from '../command-line/user-error.ts';

export const SANDBOX_CHAIN_ID = 80_002;

export interface AnvilOptions {
  /** Where the chain is kept between starts; without it the chain is gone when the process ends. */
  readonly dir?: string;
  /** where it listens; 127.0.0.1 unless given, and in a container every address of its own */
  readonly host?: string;
  readonly port: number;
  readonly chainId?: number;
  readonly blockTimeSeconds: number;
}

// The npm package's own command is a Node script that starts the binary as its child: pid and signals would be the
// script's. So the binary is run itself.
function anvilBinary(): string {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const name = `@foundry-rs/anvil-${process.platform}-${arch}`;
  const require = createRequire(import.meta.url);
  try {
    return join(dirname(require.resolve(`${name}/package.json`)), 'bin', 'anvil');
  } catch (error) {
    throw new UserError(`There is no anvil for ${process.platform}-${process.arch} (${name}): set POLYGON_RPC_URL to a node of your own.`, { cause: error });
  }
}

/** Checks that the chain's program runs on this machine. */
export async function ensureAnvilInstalled(): Promise<void> {
  const binary = anvilBinary();
  const tried = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  if (tried.status !== 0) throw new UserError(`anvil does not run on this machine (${tried.error?.message ?? tried.stderr.trim()}): set POLYGON_RPC_URL to a node of your own.`);
}

export function anvilUrl(options: Pick<AnvilOptions, 'port'>): string {
  return `http://127.0.0.1:${options.port}`;
}

/** A chain of its own with anvil's well-known funded accounts. Blocks and receipts survive a restart. */
export function anvilSpec(options: AnvilOptions): ChildSpec {
  const url = anvilUrl(options);
  const stateFile = options.dir === undefined ? undefined : join(options.dir, 'state.json');
  // Written every 5 s: a crash loses at most that much of the chain.
  const stateArgs = stateFile === undefined ? [] : ['--state', stateFile, '--state-interval', '5'];
  return {
    name: 'anvil',
    command: anvilBinary(),
    args: [
      '--host', options.host ?? '127.0.0.1',
      '--port', String(options.port),
      '--chain-id', String(options.chainId ?? SANDBOX_CHAIN_ID),
      '--block-time', String(options.blockTimeSeconds),
      // Keeps the `finalized` tag two blocks behind the head, about as far as Polygon's milestones are.
      '--slots-in-an-epoch', '1',
      // Wealthy enough to fund hot wallets with 100,000 each.
      '--balance', '1000000000',
      '--quiet',
      ...stateArgs,
    ],
    env: minimalEnv,
    cwd: options.dir ?? process.cwd(),
    readyTimeoutMs: 60_000,
    stopTimeoutMs: 20_000,
    exitsBeforeReadyMax: 1,
    beforeStart: async () => {
      if (options.dir === undefined || stateFile === undefined) return;
      mkdirSync(options.dir, { recursive: true, mode: 0o700 });
      keepReadable(stateFile);
    },
    probe: async () => {
      const chainId = await rpc(url, 'eth_chainId');
      if (Number(chainId) !== (options.chainId ?? SANDBOX_CHAIN_ID)) throw new Error(`port ${options.port} answers for chain ${String(chainId)}`);
    },
  };
}

// anvil writes its state in place: killed in the middle it leaves half a file, which it cannot start from. The last
// good one is kept beside it at each start.
function keepReadable(stateFile: string): void {
  const previous = `${stateFile}.previous`;
  if (!existsSync(stateFile)) return;
  if (isJson(stateFile)) {
    copyFileSync(stateFile, previous);
    return;
  }
  rmSync(stateFile);
  if (existsSync(previous)) renameSync(previous, stateFile);
}

function isJson(file: string): boolean {
  try {
    JSON.parse(readFileSync(file, 'utf8'));
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

async function rpc(url: string, method: string): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: [] }),
    signal: AbortSignal.timeout(2_000),
  });
  const body: unknown = await response.json();
  if (typeof body !== 'object' || body === null || !('result' in body)) throw new Error(`${method} was answered with ${JSON.stringify(body)}`);
  return body.result;
}
