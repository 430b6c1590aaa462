import { parseArgs } from 'node:util';
import { openDatabase } from '../db/client.ts';
import { orUsageError, UsageError } from './command-line/exit-codes.ts';
import { booksConfig } from './reconcile/config.ts';
import { exitCodeOf, reasonOf } from './reconcile/failure.ts';
import { declare, list, revoke } from './treasury/commands.ts';

const HELP = `Usage: npm run treasury -- declare --wallet 0x… --direction out|in --currency USDC --amount 1000.5 --counterparty 0x… --reason TEXT [--by NAME]
       npm run treasury -- list [--open]
       npm run treasury -- revoke --id N

  declare   says beforehand that value will move between a hot wallet and somebody: a sweep (out) or a top-up (in).
            Reconciliation recognises exactly one outgoing transfer of that token, amount and counterparty as it; any
            other is a stranger's and halts the wallet. Declare each transfer once, before it is sent. One declared
            afterwards counts only when a person compares its blocks again: npm run reconcile -- --from BLOCK. Between two
            hot wallets both ends are declared, the receiving one (in) first.
  list      the movements of the chain; --open: those no transfer was recognised as
  revoke    takes back a declaration that no transfer was recognised as

Amounts are in token units. Variables: DATABASE_URL and SETTINGS_FILE; without DATABASE_URL the running sandbox of this
checkout is meant.

Ends with 0 if it was done, 1 if there was nothing to revoke, 2 on wrong arguments or variables, 3 if the database cannot
be reached.
`;

const OPTIONS = {
  wallet: { type: 'string' },
  direction: { type: 'string' },
  currency: { type: 'string' },
  amount: { type: 'string' },
  counterparty: { type: 'string' },
  reason: { type: 'string' },
  by: { type: 'string' },
  id: { type: 'string' },
  open: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

function read(args: readonly string[]) {
  return orUsageError(() => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }));
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = read(args);
  const [command, ...rest] = positionals;
  if (values.help || command === undefined) {
    process.stdout.write(HELP);
    return values.help ? 0 : 2;
  }
  const run = { declare, list, revoke }[command];
  if (!run || rest.length > 0) throw new UsageError('there are the commands declare, list and revoke (see --help)');
  const { databaseUrl, settings } = booksConfig(process.env);
  const database = openDatabase(databaseUrl, { connectionsMax: 1 });
  try {
    return await run({ db: database.db, chain: settings.chain, print: (line) => process.stdout.write(`${line}\n`) }, values);
  } finally {
    await database.close();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`treasury: ${reasonOf(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
