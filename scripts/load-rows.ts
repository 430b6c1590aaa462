import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openDatabase, type DatabaseHandle } from '../db/client.ts';
import { isDatabaseUnavailable } from '../db/connection-lost.ts';
import { migrateUp } from '../db/migrate.ts';
import { countPastHours } from '../db/repositories/withdrawals/statistics.ts';
import { withdrawalRequests } from '../db/schema/index.ts';
import type { Settings } from '../domain/settings.ts';
import { EXIT, orUsageError, UsageError } from './command-line/exit-codes.ts';
import { openMeasuredApi } from './load-rows/api.ts';
import { loadRows } from './load-rows/load.ts';
import { measure, type Measured } from './load-rows/measure.ts';
import { loadSettings } from './sandbox/load-settings.ts';
import { deepestLine } from './command-line/user-error.ts';
import { table } from './command-line/table.ts';

const HELP = `Usage: npm run load-rows -- [--rows N] [--seed N] [--days N] [--yes] [--measure] [--times N]

Fills a database with withdrawals as they would be after a while, to see how it answers then: users, wallets, requests, keys,
funds, nonces, attempts, the chain's view, timelines, dead letters. Nothing of it can be signed or sent. Only the database
that DATABASE_URL names is touched; it is migrated first.

  --rows N    withdrawals to add (default 20000; 0: none)
  --seed N    the same seed, rows and days make the same rows, seen from the same moment (default 1)
  --days N    over how many days up to now they were accepted (default 30)
  --yes       also into a database that has withdrawals already: never one that pays. Take another seed then
  --measure   afterwards ask each search and each statistic through the API, and print how long the answers took
  --times N   how often each is asked (default 50)

Ends with 0 when all went well; 1 when a search's or statistic's p95 is 200 ms or more, or the database is not empty;
2 on wrong arguments or variables; 3 when the database cannot be reached.
`;

const P95_MS_MAX = 200;
const HOURS_AT_ONCE = 50;

async function main(): Promise<number> {
  const options = optionsFrom(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(HELP);
    return EXIT.ok;
  }
  const url = process.env['DATABASE_URL'];
  if (!url) throw new UsageError('DATABASE_URL is not set: name a database made for this, as mysql://user:password@host:port/name.');
  const settings = loadSettings(process.env['SETTINGS_FILE'] ?? fileURLToPath(new URL('../docker/settings/sandbox.json', import.meta.url)));
  await migrateUp(url);
  const database = openDatabase(url);
  try {
    const present = await database.db.$count(database.db.select({ id: withdrawalRequests.requestId }).from(withdrawalRequests).limit(1).as('present'));
    if (options.rows > 0 && present > 0 && !options.yes) {
      process.stderr.write('load-rows: the database has withdrawals already. Give an empty one, or --yes and another --seed.\n');
      return EXIT.failed;
    }
    if (options.rows > 0) await load(database, settings, options);
    return options.measure ? await measureAll(database, settings, options) : EXIT.ok;
  } finally {
    await database.close();
  }
}

interface Options {
  rows: number;
  seed: number;
  days: number;
  yes: boolean;
  measure: boolean;
  times: number;
}

function optionsFrom(args: string[]): Options | 'help' {
  const { values } = parsed(args);
  if (values.help) return 'help';
  const whole = (name: 'rows' | 'seed' | 'days' | 'times', minimum: number, maximum: number): number => {
    const value = Number(values[name]);
    if (!/^\d+$/.test(values[name]) || value < minimum || value > maximum) throw new UsageError(`--${name} takes a whole number from ${minimum} to ${maximum}`);
    return value;
  };
  return { rows: whole('rows', 0, 100_000_000), seed: whole('seed', 0, 2 ** 31 - 1), days: whole('days', 1, 365), times: whole('times', 1, 10_000), yes: values.yes, measure: values.measure };
}

function parsed(args: string[]) {
  return orUsageError(() =>
    parseArgs({
      args,
      options: {
        rows: { type: 'string', default: '20000' },
        seed: { type: 'string', default: '1' },
        days: { type: 'string', default: '30' },
        times: { type: 'string', default: '50' },
        yes: { type: 'boolean', default: false },
        measure: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }),
  );
}

async function load(database: DatabaseHandle, settings: Settings, { rows, seed, days }: Options): Promise<void> {
  const startedAt = performance.now();
  const seconds = () => ((performance.now() - startedAt) / 1_000).toFixed(0);
  const isTerminal = process.stdout.isTTY;
  let told = 0;
  const onProgress = (done: number) => {
    // A line for each tenth in a log, a counter on a terminal.
    if (isTerminal) process.stdout.write(`\r${done} of ${rows} withdrawals, ${seconds()} s`);
    else if (Math.floor((done * 10) / rows) > told) {
      told = Math.floor((done * 10) / rows);
      process.stdout.write(`${done} of ${rows} withdrawals, ${seconds()} s\n`);
    }
  };
  await loadRows(database, { rows, seed, days, until: new Date(), settings, onProgress });
  process.stdout.write(`${isTerminal ? '\n' : ''}${rows} withdrawals with all that belongs to them are there after ${seconds()} s\n`);
}

async function measureAll({ db }: DatabaseHandle, settings: Settings, { times, seed }: Options): Promise<number> {
  const startedAt = performance.now();
  let hours = 0;
  // What the sweeper does all along.
  for (let some = 1; some > 0; hours += some) some = await countPastHours(db, new Date(), HOURS_AT_ONCE);
  process.stdout.write(`${hours} past hours counted for the statistics in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s\n`);
  const api = await openMeasuredApi(db, settings, process.env['TEMPORAL_ADDRESS']);
  try {
    const measured = await measure(api.app, db, { bearer: api.bearer, times, seed });
    for (const line of table(['asked', 'items', 'p50 ms', 'p95 ms', 'max ms'], measured.map(cells))) process.stdout.write(`${line}\n`);
    const slow = measured.filter(({ p95Ms }) => p95Ms >= P95_MS_MAX);
    process.stdout.write(`${measured.length - slow.length} of ${measured.length} with a p95 below ${P95_MS_MAX} ms, each asked ${times} times\n`);
    return slow.length === 0 ? EXIT.ok : EXIT.failed;
  } finally {
    await api.close();
  }
}

const cells = ({ name, items, p50Ms, p95Ms, maxMs }: Measured): string[] => [name, String(items), p50Ms.toFixed(1), p95Ms.toFixed(1), maxMs.toFixed(1)];

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`load-rows: ${isDatabaseUnavailable(error) ? 'the database cannot be reached' : deepestLine(error)}\n`);
  process.exitCode = error instanceof UsageError ? EXIT.usage : isDatabaseUnavailable(error) ? EXIT.unavailable : EXIT.failed;
}
