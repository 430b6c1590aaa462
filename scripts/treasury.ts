import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { openDatabase, type Database } from '../db/client.ts';
import { findAsset } from '../db/repositories/assets.ts';
import { declareMovement, listMovements, revokeMovement } from '../db/repositories/treasury-movements.ts';
import { assets } from '../db/schema/index.ts';
import { getWallet } from '../db/repositories/wallets.ts';
import { parseAddress, sameAddress, ZERO_ADDRESS } from '../domain/address.ts';
import { formatAmount, parseAmount } from '../domain/money.ts';
import type { ChainSettings } from '../domain/settings.ts';
import { UsageError } from './keys/exit-codes.ts';
import { booksConfig } from './reconcile/config.ts';
import { exitCodeOf, reasonOf } from './reconcile/failure.ts';

const HELP = `Usage: npm run treasury -- declare --wallet 0x… --direction out|in --currency USDC --amount 1000.5 --counterparty 0x… --reason TEXT [--by NAME]
       npm run treasury -- list [--open]
       npm run treasury -- revoke --id N

  declare   says beforehand that value will move between a hot wallet and somebody: a sweep (out) or a top-up (in).
            Reconciliation recognises exactly one outgoing transfer of that token, amount and counterparty as it; any
            other is a stranger's and halts the wallet. Declare each transfer once, before it is sent. One declared
            afterwards counts only when a person compares its blocks again: npm run reconcile -- --from BLOCK.
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
type Values = ReturnType<typeof read>['values'];

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function given(values: Values, name: 'wallet' | 'direction' | 'currency' | 'amount' | 'counterparty' | 'reason' | 'id'): string {
  const value = values[name]?.trim();
  if (!value) throw new UsageError(`--${name} is missing (see --help)`);
  return value;
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
    return await run(database.db, settings.chain, values);
  } finally {
    await database.close();
  }
}

async function declare(db: Database, { network, chainId }: ChainSettings, values: Values): Promise<number> {
  const direction = given(values, 'direction').toUpperCase();
  if (direction !== 'IN' && direction !== 'OUT') throw new UsageError('--direction is out or in');
  const walletAddress = parseAddress(given(values, 'wallet'));
  const counterparty = parseAddress(given(values, 'counterparty'));
  if (sameAddress(counterparty, walletAddress) || sameAddress(counterparty, ZERO_ADDRESS)) throw new UsageError('--counterparty must be somebody else than the wallet, and not the zero address');
  const reason = given(values, 'reason');
  const currency = given(values, 'currency');
  const asset = await findAsset(db, network, currency);
  if (!asset) throw new UsageError(`${currency} is no asset of ${network}`);
  const amount = parseAmount(given(values, 'amount'), asset.decimals);
  await getWallet(db, chainId, walletAddress);
  const id = await declareMovement(db, { chainId, walletAddress, direction, tokenAddress: asset.tokenAddress, amount, counterparty, reason, declaredBy: values.by ?? userInfo().username });
  console.log(`declared movement ${id}: ${formatAmount(amount, asset.decimals)} ${currency} ${direction === 'OUT' ? `from ${walletAddress} to` : `to ${walletAddress} from`} ${counterparty}`);
  return 0;
}

async function list(db: Database, { chainId }: ChainSettings, values: Values): Promise<number> {
  const registry = await db.select().from(assets);
  const rows = (await listMovements(db, chainId, { open: values.open })).map((row) => {
    const asset = registry.find(({ chainId: chain, tokenAddress }) => chain === row.chainId && tokenAddress === row.tokenAddress);
    return {
      id: row.id,
      direction: row.direction,
      wallet: row.walletAddress,
      amount: asset ? `${formatAmount(row.amount, asset.decimals)} ${asset.currency}` : `${row.amount} base units of ${row.tokenAddress}`,
      counterparty: row.counterparty,
      reason: row.reason,
      'declared by': row.declaredBy,
      declared: row.declaredAt.toISOString(),
      'recognised as': row.txHash ?? '',
    };
  });
  if (rows.length === 0) console.log('no movements');
  else console.table(rows);
  return 0;
}

async function revoke(db: Database, { chainId }: ChainSettings, values: Values): Promise<number> {
  const id = Number(given(values, 'id'));
  if (!Number.isSafeInteger(id) || id < 1) throw new UsageError('--id is the number of a movement');
  const revoked = await revokeMovement(db, chainId, id);
  console.log(revoked ? `revoked movement ${id}` : `movement ${id} is not there, or a transfer was recognised as it`);
  return revoked ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`treasury: ${reasonOf(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
