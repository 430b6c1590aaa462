import { parseArgs } from 'node:util';
import { createRpc } from '../activities/chain/rpc.ts';
import { openDatabase } from '../db/client.ts';
import { isDatabaseUnavailable } from '../db/connection-lost.ts';
import { createLogger } from '../db/observability/logger.ts';
import { openRedis } from '../db/redis.ts';
import { EngineError } from '../domain/errors.ts';
import { clientOn, connectTo } from '../temporal-config/connection.ts';
import { auditedByCommand } from './audit/audited-by-command.ts';
import { recoverConfig } from './recover/config.ts';
import { recover, RECOVER_EXIT } from './recover/run.ts';
import { ask } from './command-line/ask.ts';
import { deepestLine, oneLine, UserError } from './command-line/user-error.ts';

const HELP = `Usage: npm run recover -- [--dry-run] [--yes] [--leave ID]...

Brings the four stores together again after one was lost: Redis gone, MySQL restored from an older backup, or the Temporal
database lost. It reads all of them and the chain, says what is missing, how it knows, and what it would do; then it writes
what can be proven, starts the workflows that are missing, and lifts the halt that a restored backup has set. What it
cannot prove it refuses, and everything stands still until a person has answered it.

  --dry-run   show the plan, change nothing
  --yes       do not ask before the plan is carried out
  --leave ID  a requestId or transaction hash that you have dealt with by hand: the request is ended without being paid
              here, the transaction counts as paying no withdrawal. May be given several times.

The engine may keep running; nothing is accepted, signed or sent meanwhile. It can be run again at any time, also after it
was killed.

Variables: DATABASE_URL, REDIS_URL, TEMPORAL_ADDRESS, POLYGON_RPC_URL (all or none; with none, the sandbox of this checkout,
which must be running), SETTINGS_FILE, TEMPORAL_NAMESPACE, TEMPORAL_PAYLOAD_KEYS (the keys the roles have; needed with the
four), and how Temporal is reached: TEMPORAL_API_KEY, TEMPORAL_TLS…

Ends with 0 when everything is restored; 1 when something is refused; 2 on wrong arguments or variables; 3 when MySQL,
Temporal or the chain cannot be reached.
`;

const RPC_TIMEOUT_MS = 10_000;
/** Polygon's finality stalls now and then; longer than this is for a person to know. */
const FINALITY_WAIT_MS = 5 * 60_000;
const REDIS_CONNECT_MS = 2_000;

async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { 'dry-run': { type: 'boolean', default: false }, yes: { type: 'boolean', default: false }, leave: { type: 'string', multiple: true, default: [] }, help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return RECOVER_EXIT.ok;
  }
  const dryRun = values['dry-run'];
  if (!dryRun && !values.yes && !process.stdin.isTTY) throw new UserError('Nobody can be asked here: give --yes, or --dry-run to see the plan first.');
  const config = recoverConfig(process.env);
  const log = createLogger({ service: 'recover', level: 'ERROR' });
  // First of all: what is opened before it would keep this process alive where Temporal is away.
  const connection = await connectTo(config.temporal).catch((error: unknown) => {
    throw new TemporalAwayError(oneLine(error), { cause: error });
  });
  const database = openDatabase(config.databaseUrl, { connectionsMax: 4 });
  const redis = openRedis(config.redisUrl, log);
  try {
    // Only so that a Redis that is there is not found away; without it the recovery goes on.
    await Promise.race([new Promise((resolve) => redis.once('ready', resolve)), new Promise((resolve) => setTimeout(resolve, REDIS_CONNECT_MS))]);
    const deps = {
      db: database.db,
      redis,
      temporal: config.temporal,
      client: clientOn(connection, config.temporal),
      rpc: createRpc({ urls: config.rpcUrls, chainId: config.settings.chain.chainId, timeoutMs: RPC_TIMEOUT_MS }),
      settings: config.settings,
      print: (line: string) => process.stdout.write(`${line}\n`),
      log,
      onStep: () => undefined,
      finalityWaitMs: FINALITY_WAIT_MS,
    };
    const run = () => recover(deps, { dryRun, confirm: async () => values.yes || (await confirmed()), leave: new Set(values.leave) });
    if (dryRun) return await run();
    return await auditedByCommand(database.db, { command: 'recover', action: 'recovery.run', target: { kind: 'chain', id: String(config.settings.chain.chainId) } }, async (trail) => {
      trail.after({ leave: values.leave });
      return run();
    });
  } finally {
    redis.disconnect();
    await connection.close();
    await database.close();
  }
}

class TemporalAwayError extends Error {
  override readonly name = 'TemporalAwayError';
}

async function confirmed(): Promise<boolean> {
  return /^y(es)?$/i.test(((await ask('\nCarry this out? [y/N] ')) ?? '').trim());
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UserError || (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))) return RECOVER_EXIT.usage;
  return RECOVER_EXIT.unavailable;
}

/** What a person is told: where a store is away, that; anything else with its stack, for it is a defect. */
function textOf(error: unknown): string {
  if (error instanceof TemporalAwayError) return error.message;
  const isTold = exitCodeOf(error) === RECOVER_EXIT.usage || error instanceof EngineError || isDatabaseUnavailable(error);
  if (isTold) return deepestLine(error);
  return error instanceof Error ? (error.stack ?? oneLine(error)) : String(error);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`recover: ${textOf(error)}\n`);
  process.exitCode = exitCodeOf(error);
  if (process.exitCode !== RECOVER_EXIT.usage) process.stderr.write('If a recovery had begun, run it again: it goes on from what it finds.\n');
}
