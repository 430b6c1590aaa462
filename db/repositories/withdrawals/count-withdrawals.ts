import { and, count, eq, gte, inArray, lt, notInArray, or, sql, sum, type SQL } from 'drizzle-orm';
import { BUCKET_RATIO, LATENCY_PARTS, noStatistics, type LatencyPart, type Statistics } from '../../../domain/statistics.ts';
import type { Queryable } from '../../client.ts';
import { fundReservations, signedTransactions, withdrawalRequests } from '../../schema/index.ts';

/** A stretch of time, its end not in it. */
export interface Span {
  from: Date;
  to: Date;
}

/** Which withdrawals are counted: those accepted within spans that do not overlap, less some; or some by name. */
export type Counted = { spans: readonly Span[]; except?: readonly string[] } | { ids: readonly string[] };

/**
 * Counts withdrawals from their rows. The cost grows with how many there are, and nothing but counts leaves the database. Gas is
 * what the books say has left the wallets for them, whether it paid or voided.
 */
export async function countWithdrawals(db: Queryable, counted: Counted): Promise<Statistics> {
  if (('ids' in counted ? counted.ids : counted.spans).length === 0) return noStatistics();
  const which = whichOf(counted);
  const statistics = noStatistics();
  statistics.groups = await readGroups(db, which);
  statistics.gasWei = await readGas(db, which);
  for (const { part, bucket, withdrawals, maxMs } of await readLatencies(db, which)) {
    const histogram = statistics.latencies[part];
    histogram.buckets.push([bucket, withdrawals]);
    histogram.maxMs = Math.max(histogram.maxMs, maxMs);
  }
  return statistics;
}

function whichOf(counted: Counted): SQL | undefined {
  const { requestId, createdAt } = withdrawalRequests;
  if ('ids' in counted) return inArray(requestId, [...counted.ids]);
  const { spans, except = [] } = counted;
  return and(or(...spans.map(({ from, to }) => and(gte(createdAt, from), lt(createdAt, to)))), except.length === 0 ? undefined : notInArray(requestId, [...except]));
}

async function readGroups(db: Queryable, which: SQL | undefined): Promise<Statistics['groups']> {
  const { status, errorCode, currency, decimals, amount } = withdrawalRequests;
  const rows = await db.select({ status, errorCode, currency, decimals, count: count(), amount: sum(amount) }).from(withdrawalRequests).where(which).groupBy(status, errorCode, currency, decimals);
  return rows.map((row) => ({ ...row, amount: BigInt(row.amount ?? 0) }));
}

async function readGas(db: Queryable, which: SQL | undefined): Promise<bigint> {
  const [row] = await db.select({ gasWei: sum(fundReservations.spentGasWei) }).from(withdrawalRequests).innerJoin(fundReservations, eq(fundReservations.requestId, withdrawalRequests.requestId)).where(which);
  return BigInt(row?.gasWei ?? 0);
}

/** A withdrawal was signed with its first attempt, and sent when the first of its attempts was. */
async function readLatencies(db: Queryable, which: SQL | undefined): Promise<{ part: LatencyPart; bucket: number; withdrawals: number; maxMs: number }[]> {
  const way = db
    .select({
      acceptedAt: sql`${withdrawalRequests.createdAt}`.as('accepted_at'),
      // One row's own; MySQL and MariaDB agree on it only where it is an aggregate.
      finalAt: sql`MIN(${withdrawalRequests.completedAt})`.as('final_at'),
      signedAt: sql`MIN(${signedTransactions.signedAt})`.as('signed_at'),
      sentAt: sql`MIN(${signedTransactions.broadcastedAt})`.as('sent_at'),
    })
    .from(withdrawalRequests)
    .leftJoin(signedTransactions, eq(signedTransactions.requestId, withdrawalRequests.requestId))
    .where(and(which, eq(withdrawalRequests.status, 'COMPLETED')))
    // In the order of the index by status: nothing is sorted.
    .groupBy(withdrawalRequests.createdAt, withdrawalRequests.requestId)
    .as('way');
  const lengths: Record<LatencyPart, SQL> = {
    total: between(way.acceptedAt, way.finalAt),
    acceptedToSigned: between(way.acceptedAt, way.signedAt),
    signedToSent: between(way.signedAt, way.sentAt),
    sentToFinal: between(way.sentAt, way.finalAt),
  };
  // Each withdrawal is read once, and becomes a row for each part: two servers' clocks may make one negative.
  const names = sql.join(LATENCY_PARTS.map((part) => sql`SELECT ${part} AS part`), sql` UNION ALL `);
  const ms = sql`GREATEST(1, CASE p.part ${sql.join(LATENCY_PARTS.map((part) => sql`WHEN ${part} THEN ${lengths[part]}`), sql` `)} END)`;
  const [rows] = await db.execute(sql`
    SELECT part, CEIL(LN(ms) / ${Math.log(BUCKET_RATIO)}) AS bucket, COUNT(*) AS withdrawals, MAX(ms) AS longest
    FROM (SELECT p.part AS part, ${ms} AS ms FROM ${way} CROSS JOIN (${names}) p) lengths
    WHERE ms IS NOT NULL GROUP BY part, bucket`);
  return (rows as unknown as { part: LatencyPart; bucket: number | string; withdrawals: number; longest: number | string }[]).map(({ part, bucket, withdrawals, longest }) => ({
    part,
    bucket: Number(bucket),
    withdrawals,
    maxMs: Number(longest),
  }));
}

/** Milliseconds. */
const between = (from: SQL.Aliased, to: SQL.Aliased): SQL => sql`TIMESTAMPDIFF(MICROSECOND, ${from}, ${to}) / 1000`;
