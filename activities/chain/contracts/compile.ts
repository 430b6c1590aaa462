import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The tokens every sandbox has. */
export const SANDBOX_CONTRACT_NAMES = ['TestUSDC', 'TestUSDT', 'TestFalseToken', 'TestFeeToken'] as const;
export type SandboxContractName = (typeof SANDBOX_CONTRACT_NAMES)[number];

/** All test tokens. Each takes `(address initialHolder, uint256 initialSupply)`. */
export const CONTRACT_NAMES = [...SANDBOX_CONTRACT_NAMES, 'TestSilentToken', 'TestHungryToken', 'TestLiarToken'] as const;
export type ContractName = (typeof CONTRACT_NAMES)[number];

/** One entry of a contract's JSON ABI, as solc writes it and ethers reads it. */
export type AbiEntry = Readonly<Record<string, unknown>>;

export interface CompiledContract {
  readonly abi: readonly AbiEntry[];
  /** Creation bytecode, hex with `0x`. */
  readonly bytecode: string;
}

export type CompiledContracts = Readonly<Record<ContractName, CompiledContract>>;

/** The compiler refused the sources, or was not content with them: a warning counts. */
export class ContractCompilationError extends Error {
  override readonly name = 'ContractCompilationError';
}

const require = createRequire(import.meta.url);
const CONTRACTS_DIR = dirname(fileURLToPath(import.meta.url));
const PROJECT_DIR = join(CONTRACTS_DIR, '..', '..', '..');
const DEFAULT_CACHE_DIR = join(PROJECT_DIR, '.build', 'contracts');
const COMPILE_TIMEOUT_MS = 120_000;

const SETTINGS = {
  // Every opcode used must exist on Polygon and on anvil alike.
  evmVersion: 'cancun',
  optimizer: { enabled: true, runs: 200 },
  outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
} as const;

type Sources = Record<string, { content: string }>;

interface SolcMessage {
  readonly severity: string;
  readonly formattedMessage?: string;
  readonly message: string;
}

interface SolcOutput {
  readonly errors?: readonly SolcMessage[];
  readonly contracts?: Readonly<
    Record<
      string,
      Readonly<Record<string, { abi: AbiEntry[]; evm: { bytecode: { object: string } } }>>
    >
  >;
}

/**
 * Compiles the test tokens, or reads them from the build cache.
 *
 * The cache file is named by a hash of the sources, the compiler's and the library's version and
 * the settings, so a stale one is never used. Called twice, or by several processes at once, it
 * gives the same result: the file is put in place by an atomic rename.
 *
 * @param options.cacheDir folder of the cache; `.build/contracts/` of the project by default
 * @throws ContractCompilationError on any error or warning of solc
 */
export async function compileContracts(
  options: { readonly cacheDir?: string } = {},
): Promise<CompiledContracts> {
  const cacheDir = options.cacheDir ?? DEFAULT_CACHE_DIR;
  const sources = await readSources();
  const cacheFile = join(cacheDir, `${await cacheKey(sources)}.json`);
  const cached = await readCache(cacheFile);
  if (cached !== null) {
    return cached;
  }
  const compiled = await compileSources(sources);
  await writeCache(cacheFile, compiled);
  return compiled;
}

/**
 * Compiles the given Solidity sources with the project's settings. Imports are read from the
 * sources themselves and from installed packages.
 *
 * @param sources text by file name; the file `X.sol` of each name asked for must hold contract `X`
 * @param names contracts to return
 * @throws ContractCompilationError on any error or warning of solc, or a missing contract
 */
export async function compileSources<Name extends string = ContractName>(
  sources: Sources,
  names: readonly Name[] = CONTRACT_NAMES as readonly string[] as readonly Name[],
): Promise<Record<Name, CompiledContract>> {
  const output = parseOutput(
    await runSolc(JSON.stringify({ language: 'Solidity', sources, settings: SETTINGS })),
  );
  const complaints = output.errors ?? [];
  if (complaints.length > 0) {
    const text = complaints.map((complaint) => complaint.formattedMessage ?? complaint.message);
    throw new ContractCompilationError(text.join('\n'));
  }
  const entries = names.map((name): [Name, CompiledContract] => {
    const contract = output.contracts?.[`${name}.sol`]?.[name];
    if (contract === undefined || contract.evm.bytecode.object === '') {
      throw new ContractCompilationError(`solc gave no bytecode for ${name}`);
    }
    return [name, { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }];
  });
  return Object.fromEntries(entries) as Record<Name, CompiledContract>;
}

async function readSources(): Promise<Sources> {
  const sources: Sources = {};
  for (const name of CONTRACT_NAMES) {
    sources[`${name}.sol`] = {
      content: await readFile(join(CONTRACTS_DIR, `${name}.sol`), 'utf8'),
    };
  }
  return sources;
}

async function cacheKey(sources: Sources): Promise<string> {
  const key = JSON.stringify({
    sources,
    settings: SETTINGS,
    solc: await packageVersion('solc/package.json'),
    openzeppelin: await packageVersion('@openzeppelin/contracts/package.json'),
  });
  return createHash('sha256').update(key).digest('hex');
}

async function packageVersion(packageFile: string): Promise<string> {
  const { version } = JSON.parse(await readFile(require.resolve(packageFile), 'utf8')) as {
    version: string;
  };
  return version;
}

async function readCache(file: string): Promise<CompiledContracts | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as CompiledContracts;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return null;
    }
    throw new ContractCompilationError(`cannot read the build cache ${file}; delete it`, {
      cause: error,
    });
  }
}

async function writeCache(file: string, compiled: CompiledContracts): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.${randomUUID()}`;
  await writeFile(temporary, JSON.stringify(compiled));
  await rename(temporary, file);
}

/**
 * Runs the compiler as a child process: loaded in-process it blocks the event loop for seconds
 * and leaves behind an `unhandledRejection` handler that aborts the host.
 */
function runSolc(input: string): Promise<string> {
  const packages = join(dirname(require.resolve('@openzeppelin/contracts/package.json')), '..', '..');
  const child = spawn(
    process.execPath,
    [
      require.resolve('solc/solc.js'),
      '--standard-json',
      '--base-path',
      CONTRACTS_DIR,
      '--include-path',
      packages,
    ],
    { stdio: ['pipe', 'pipe', 'pipe'], timeout: COMPILE_TIMEOUT_MS, killSignal: 'SIGKILL' },
  );
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const fail = (cause: unknown) =>
      reject(new ContractCompilationError('cannot run solc', { cause }));
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', fail);
    child.stdin.on('error', fail);
    child.on('close', (code, signal) => {
      if (code === 0) {
        resolve(Buffer.concat(stdout).toString('utf8'));
      } else {
        fail(new Error(`solc ended with ${signal ?? code}: ${Buffer.concat(stderr).toString('utf8')}`));
      }
    });
    child.stdin.end(input);
  });
}

/** solcjs may print notes of its own before the JSON. */
function parseOutput(text: string): SolcOutput {
  try {
    return JSON.parse(text.slice(text.indexOf('{'))) as SolcOutput;
  } catch (cause) {
    throw new ContractCompilationError(`solc gave no JSON: ${text.slice(0, 500)}`, { cause });
  }
}
