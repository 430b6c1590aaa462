import { parseArgs } from 'node:util';
import { createRpc } from '../activities/chain/rpc.ts';
import { isDatabaseUnavailable } from '../db/connection-lost.ts';
import { openDatabase } from '../db/client.ts';
import { EngineError } from '../domain/errors.ts';
import { parseAddress } from '../domain/address.ts';
import type { WalletMove } from '../domain/wallet-moves.ts';
import { EXIT, orUsageError, UsageError } from './command-line/exit-codes.ts';
import { oneLine } from './command-line/user-error.ts';
import { listCommand, moveCommand, type WalletsContext } from './wallets/commands.ts';
import { walletsConfig } from './wallets/config.ts';

const MOVES = ['pause', 'resume', 'halt', 'drain'] as const satisfies readonly WalletMove[];

const HELP = `Usage: npm run wallets -- <command>

  list                          each hot wallet: status and why, coins, nonces, gaps, open alerts
  pause <address>               gives out no nonce and no funds; what is signed goes on
      [--reason TEXT]
  halt <address>                the same, and fills no gap either
      [--reason TEXT]
  drain <address>               is bound to no new withdrawal, and pays those it is bound to: for putting another in its
      [--reason TEXT]           place. Once nothing is left, list says drained; sweep the rest by a declared movement
  resume <address>              back to work, whoever stopped or drained it, and closes the alerts that only a person closes: look
      --reason TEXT             into them first, and say here what you found. A pause of the engine's own comes back
                                while its cause stands.

latest and pending are the chain's transaction counts of the wallet, next is the first nonce never given out. At rest all
three are the same. A gap is an unmined nonce below next that nobody holds; its guardian fills it once signed
transactions wait behind it.

Variables: DATABASE_URL, POLYGON_RPC_URL, POLYGON_CHAIN_ID. With none of them set the sandbox of this checkout is meant; it
must be running.

Ends with 0 if all went well; 1 if the command was refused; 2 on wrong arguments or variables; 3 if the database or the
chain cannot be reached.
`;

async function main(args: string[]): Promise<number> {
  if (args.length === 0 || args.includes('--help') || args.includes('-h')) {
    process.stdout.write(HELP);
    return args.length === 0 ? EXIT.usage : EXIT.ok;
  }
  const run = commandOf(args);
  const config = walletsConfig(process.env);
  const database = openDatabase(config.databaseUrl, { connectionsMax: 1 });
  try {
    return await run({ chainId: config.chainId, db: database.db, rpc: createRpc({ urls: config.rpcUrls, chainId: config.chainId, timeoutMs: 5_000 }), print: (line) => process.stdout.write(`${line}\n`) });
  } finally {
    await database.close();
  }
}

/** Reads the arguments before anything is opened. */
function commandOf(args: string[]): (context: WalletsContext) => Promise<number> {
  const { values, positionals } = parsed(args);
  const [command = '', address, ...more] = positionals;
  const { reason } = values;
  if (command === 'list') {
    if (address !== undefined || reason !== undefined) throw new UsageError('list takes no arguments');
    return listCommand;
  }
  const move = MOVES.find((name) => name === command);
  if (!move) throw new UsageError(`there is no command "${command}"; there are list, ${MOVES.join(', ')} (see --help)`);
  if (address === undefined || more.length > 0) throw new UsageError(`${move} takes one address`);
  if (move === 'resume' && (reason ?? '').trim() === '') throw new UsageError('resume takes --reason: say what was looked into');
  const wallet = parseAddress(address);
  return (context) => moveCommand(context, move, wallet, (reason ?? '').trim() || 'no reason given');
}

function parsed(args: string[]) {
  return orUsageError(() => parseArgs({ args, allowPositionals: true, options: { reason: { type: 'string' } } }));
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError || (error instanceof EngineError && error.code === 'INVALID_ADDRESS')) return EXIT.usage;
  return isDatabaseUnavailable(error) ? EXIT.unavailable : EXIT.failed;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`wallets: ${isDatabaseUnavailable(error) ? 'the database cannot be reached' : oneLine(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
