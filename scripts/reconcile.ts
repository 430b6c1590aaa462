import { parseArgs } from 'node:util';
import { createRpc } from '../activities/chain/rpc.ts';
import { openDatabase } from '../db/client.ts';
import { parseAddress } from '../domain/address.ts';
import { orUsageError, UsageError } from './command-line/exit-codes.ts';
import { chainConfig } from './reconcile/config.ts';
import { exitCodeOf, reasonOf } from './reconcile/failure.ts';
import { findingLine, runReconcile, tableRow } from './reconcile/run.ts';

const HELP = `Usage: npm run reconcile [-- --from BLOCK] [--wallet 0x…] [--dry-run] [--json]

Compares every transfer out of the hot wallets, up to the final block, with the withdrawals and the declared treasury
movements in the database, both ways, and prints a table. The worker does the same on a schedule; this goes on where the
last comparison ended.

  --from BLOCK   compare again from this block on and leave the cursor where it is. Movements declared after their
                 transfer count now, and the alerts of what is explained are closed
  --wallet 0x…   only this wallet
  --dry-run      only look: stop no wallet, raise no alert, mark no movement, move no cursor
  --json         the result as JSON; amounts are strings of base units

A stranger's transfer, a booking that differs, or a payment that is booked and not on the chain halts its wallet (HALTED)
and raises an alert, once. No run lifts a halt: a person does.

Variables: DATABASE_URL, POLYGON_RPC_URL (comma-separated for several) and SETTINGS_FILE; without DATABASE_URL the running
sandbox of this checkout is meant.

Ends with 0 if all is explained, 1 if something is not or the books are behind, 2 on wrong arguments or variables, 3 if
the database or the chain cannot be reached.
`;

function read(args: readonly string[]) {
  return orUsageError(() =>
    parseArgs({
      args: [...args],
      options: { from: { type: 'string' }, wallet: { type: 'string' }, 'dry-run': { type: 'boolean', default: false }, json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
    }).values,
  );
}

/** What is found is printed at the end. */
const quiet = () => undefined;

function blockNumber(text: string): number {
  if (!/^[0-9]{1,15}$/.test(text)) throw new UsageError(`--from takes a block number, not "${text}"`);
  return Number(text);
}

async function main(args: readonly string[]): Promise<number> {
  const values = read(args);
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const options = {
    dryRun: values['dry-run'],
    ...(values.from !== undefined && { fromBlock: blockNumber(values.from) }),
    ...(values.wallet !== undefined && { wallet: parseAddress(values.wallet) }),
  };
  const { databaseUrl, settings, rpcUrls } = chainConfig(process.env);
  const database = openDatabase(databaseUrl, { connectionsMax: 2 });
  try {
    const ports = { db: database.db, rpc: createRpc({ urls: rpcUrls, chainId: settings.chain.chainId }), settings, log: { info: quiet, warn: quiet, error: quiet } };
    const wallets = await runReconcile(ports, options);
    if (values.json) process.stdout.write(`${JSON.stringify({ wallets }, null, 2)}\n`);
    else {
      console.table(wallets.map(tableRow));
      for (const { wallet, findings } of wallets) for (const finding of findings) console.log(findingLine(wallet, finding));
    }
    return wallets.some(({ findings, booksBehind }) => findings.length > 0 || booksBehind) ? 1 : 0;
  } finally {
    await database.close();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`reconcile: ${reasonOf(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
