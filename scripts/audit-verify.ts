import { parseArgs } from 'node:util';
import { openDatabase } from '../db/client.ts';
import { isDatabaseUnavailable } from '../db/connection-lost.ts';
import { readWaiting } from '../db/repositories/audit/audit-chain.ts';
import { anchorsOf, verifyAudit } from '../db/verify-audit.ts';
import { listAnchors, type KeptAnchor } from '../temporal-config/audit-anchors.ts';
import { clientOn, connectTo } from '../temporal-config/connection.ts';
import { auditConfig, type AuditConfig } from './audit/config.ts';
import { describeBreak } from './audit/describe-break.ts';
import { EXIT, orUsageError, UsageError } from './command-line/exit-codes.ts';
import { oneLine } from './command-line/user-error.ts';

const HELP = `Usage: npm run audit:verify [-- --json]

Walks the audit log's hash chain from its first link to its last and every row of the log, and holds the chain against every
anchor that Temporal still keeps (as long as its namespace keeps closed workflows: seven days). Changes nothing; the engine
may run meanwhile.

  --json   the result as JSON

A row that was changed, taken out, put in or moved, and a tail that was cut, show at their position; a chain that was written
anew as a whole shows at the first anchor it contradicts.

Variables: DATABASE_URL, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_PAYLOAD_KEYS (the keys the roles have: the anchors are
sealed) and how Temporal is reached (TEMPORAL_API_KEY, TEMPORAL_TLS…); with neither of the first two set the sandbox of this checkout
is meant; it must be running.

Ends with 0 if all of it holds; 1 at the first position that does not; 2 on wrong arguments or variables; 3 if MySQL or
Temporal cannot be reached.
`;

const PROGRESS_EVERY_MS = 1_000;

class TemporalAwayError extends Error {
  override readonly name = 'TemporalAwayError';
}

async function main(args: string[]): Promise<number> {
  const values = read(args);
  if (values.help) {
    process.stdout.write(HELP);
    return EXIT.ok;
  }
  const config = auditConfig(process.env);
  // Before the chain: what is appended in between is further on than any of them.
  const kept = await readAnchors(config);
  const database = openDatabase(config.databaseUrl, { connectionsMax: 1 });
  try {
    let shownAt = Date.now();
    const { head, checked, broken } = await verifyAudit(database.db, anchorsOf(kept), (done, of) => {
      if (Date.now() - shownAt < PROGRESS_EVERY_MS) return;
      shownAt = Date.now();
      process.stderr.write(`${done} of ${of} links\n`);
    });
    const { waiting, oldestAt } = await readWaiting(database.db);
    const newest = kept.reduce<KeptAnchor | null>((best, anchor) => (best === null || anchor.position > best.position ? anchor : best), null);
    const result = { verdict: broken ? 'BROKEN' : kept.length > 0 ? 'AGREES' : 'UNANCHORED', head, linksChecked: checked, anchors: kept.length, newestAnchor: newest, broken, waiting, waitingSince: oldestAt };
    if (values.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    else print(result);
    return broken ? EXIT.failed : EXIT.ok;
  } finally {
    await database.close();
  }
}

const write = (line: string) => process.stdout.write(`${line}\n`);

function print({ head, linksChecked, anchors, newestAnchor, broken, waiting, waitingSince }: { head: { position: number; hash: string }; linksChecked: number; anchors: number; newestAnchor: KeptAnchor | null; broken: Parameters<typeof describeBreak>[0] | null; waiting: number; waitingSince: Date | null }): void {
  write(`${linksChecked} links hold, up to position ${head.position}, ${head.hash}`);
  write(newestAnchor ? `${anchors} anchors in Temporal, the furthest at position ${newestAnchor.position}, of ${newestAnchor.at.toISOString()}` : 'no anchor in Temporal: a chain written anew as a whole would not show');
  if (waiting > 0) write(`${waiting} rows wait for their link${waitingSince ? `, the longest since ${waitingSince.toISOString()}` : ''}`);
  write(broken ? `BROKEN: ${describeBreak(broken)}` : 'the audit log is what was written');
}

async function readAnchors({ temporal }: AuditConfig): Promise<KeptAnchor[]> {
  try {
    const connection = await connectTo(temporal);
    try {
      const kept: KeptAnchor[] = [];
      for await (const anchor of listAnchors(clientOn(connection, temporal))) kept.push(anchor);
      return kept;
    } finally {
      await connection.close();
    }
  } catch (cause) {
    throw new TemporalAwayError('Temporal cannot be reached, and without its anchors nothing is certain', { cause });
  }
}

function read(args: string[]) {
  return orUsageError(() => parseArgs({ args, options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } } }).values);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  return error instanceof TemporalAwayError || isDatabaseUnavailable(error) ? EXIT.unavailable : EXIT.failed;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`audit:verify: ${isDatabaseUnavailable(error) ? 'the database cannot be reached' : oneLine(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
