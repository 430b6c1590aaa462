import { createHash } from 'node:crypto';
import { isDatabaseUnavailable } from '../db/connection-lost.ts';
import { openDatabase, type Database } from '../db/client.ts';
import { describeUnsealed, findUnsealedRows, sealUnsealedRows } from '../db/repositories/payments/unsealed-rows.ts';
import { auditedByCommand } from './audit/audited-by-command.ts';
import { EXIT, UsageError } from './command-line/exit-codes.ts';
import { sealsConfig, type SealsConfig } from './seals/config.ts';
import { deepestLine } from './command-line/user-error.ts';

const HELP = `Usage: npm run seals -- <command>

  show                 the policy versions and list entries that no seal of ours bears out, and a fingerprint of them
  adopt <fingerprint>  seal exactly these: the fingerprint is the one that show has printed. Where anything else stands
                       there by now nothing is sealed

The signing service signs by sealed rules only. Rows are without a seal after an upgrade from a version that had none, and
after SEAL_KEY was replaced; at any other time somebody has written to the database. Read each line before it is adopted:
the seal says that the API wrote it. Withdrawals that wait for a policy go on by themselves; retry those that were parked.

Variables: SEAL_KEY (32 bytes, base64), DATABASE_URL, SETTINGS_FILE. With neither of the first two set the sandbox of this
checkout is meant; it must be running.

Ends with 0 if nothing is left to seal; 1 if rows are left, or were not adopted; 2 on wrong arguments or variables; 3 if the
database cannot be reached.
`;

async function main(args: readonly string[]): Promise<number> {
  if (args.length === 0 || args.includes('--help') || args.includes('-h')) {
    process.stdout.write(HELP);
    return args.length === 0 ? EXIT.usage : EXIT.ok;
  }
  const run = commandOf(args);
  const config = sealsConfig(process.env);
  const database = openDatabase(config.databaseUrl, { connectionsMax: 1 });
  try {
    return await run(database.db, config);
  } finally {
    config.sealKey.fill(0);
    await database.close();
  }
}

/** Reads the arguments before anything is opened. */
function commandOf([command, fingerprint, ...more]: readonly string[]): (db: Database, config: SealsConfig) => Promise<number> {
  if (command === 'show' && fingerprint === undefined) return show;
  if (command === 'adopt' && fingerprint !== undefined && more.length === 0) return (db, config) => adopt(db, config, fingerprint);
  throw new UsageError('say show, or adopt and the fingerprint that show has printed (see --help)');
}

async function show(db: Database, { sealKey, settings }: SealsConfig): Promise<number> {
  const lines = describeUnsealed(await findUnsealedRows(db, sealKey, settings.chain.network));
  if (lines.length === 0) {
    print('every policy version and list entry is sealed');
    return EXIT.ok;
  }
  for (const line of lines) print(line);
  print(`fingerprint ${fingerprintOf(lines)}`);
  return EXIT.failed;
}

async function adopt(db: Database, { sealKey, settings }: SealsConfig, fingerprint: string): Promise<number> {
  return auditedByCommand(db, { command: 'seals adopt', action: 'seals.adopt', target: { kind: 'fingerprint', id: fingerprint } }, async (trail) => {
    const sealed = await sealUnsealedRows(db, sealKey, settings.chain.network, (lines) => lines.length > 0 && fingerprintOf(lines) === fingerprint);
    trail.after({ sealed });
    print(sealed === null ? 'nothing was sealed: this is not the fingerprint of what stands there. Look again with show' : `sealed ${sealed} rows`);
    return sealed === null ? EXIT.failed : EXIT.ok;
  });
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const fingerprintOf = (lines: readonly string[]): string => createHash('sha256').update(JSON.stringify(lines)).digest('hex').slice(0, 32);

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`seals: ${deepestLine(error)}\n`);
  process.exitCode = error instanceof UsageError ? EXIT.usage : isDatabaseUnavailable(error) ? EXIT.unavailable : EXIT.failed;
}
