import { and, asc, getTableColumns, gte, inArray, lt, min, notInArray } from 'drizzle-orm';
import { LRUCache } from 'lru-cache';
import { sumStatistics, type Statistics } from '../../../domain/statistics.ts';
import { END_STATUSES, WITHDRAWAL_STATUSES, isEnd } from '../../../domain/status.ts';
import type { Database, Queryable, Transaction } from '../../client.ts';
import { hourlyStats, withdrawalRequests } from '../../schema/index.ts';
import { countWithdrawals, type Span } from './count-withdrawals.ts';

export const HOUR_MS = 3_600_000;
/** How far back hours are kept counted, and statistics may reach. */
export const REACH_MS = 31 * 24 * HOUR_MS;
/** A withdrawal's time is taken before its row is committed: an hour is over only when that is long past. */
const LATE_MS = 5 * 60_000;
/** An hour with more that have not ended is not worth keeping yet. */
const OPEN_MAX = 25;
/** More than the longest window has, so that asking for it again and again forgets none of them. */
const HOURS_REMEMBERED = 1_000;
const OPEN_STATUSES = WITHDRAWAL_STATUSES.filter((status) => !isEnd(status));

const hourOf = (time: Date): Date => new Date(Math.floor(time.getTime() / HOUR_MS) * HOUR_MS);
/** One moment of the database, whatever is committed meanwhile. */
const ONE_MOMENT = { isolationLevel: 'repeatable read', withConsistentSnapshot: true } as const;

/** Statistics of the withdrawals accepted from `from` on and before `to`. */
export type StatisticsReader = (from: Date, to: Date) => Promise<Statistics>;

/**
 * Past hours come as they were counted; what is not, and the hours that the window cuts, are counted now, and so are those that had not
 * ended. Hours it has read are remembered: what was counted of one is the same as long as the same were left out.
 */
export function createStatisticsReader(db: Database): StatisticsReader {
  const remembered = new LRUCache<string, Statistics>({ max: HOURS_REMEMBERED });
  return (from, to) =>
    db.transaction(async (tx) => {
      const { counts: _, ...columns } = getTableColumns(hourlyStats);
      const hours = await tx.select(columns).from(hourlyStats).where(and(gte(hourlyStats.hour, from), lt(hourlyStats.hour, hourOf(to)))).orderBy(asc(hourlyStats.hour));
      const counts = await readCounts(tx, hours, remembered);
      const spans = gapsBetween(hours.map(({ hour }) => hour), from, to);
      return sumStatistics([...counts, await countWithdrawals(tx, { spans }), await countWithdrawals(tx, { ids: hours.flatMap(({ openIds }) => openIds) })]);
    }, ONE_MOMENT);
}

type Hour = Omit<typeof hourlyStats.$inferSelect, 'counts'>;
const keyOf = ({ hour, openIds, countedAt }: Hour): string => [hour.getTime(), countedAt.getTime(), ...openIds].join(' ');

async function readCounts(tx: Transaction, hours: readonly Hour[], remembered: LRUCache<string, Statistics>): Promise<Statistics[]> {
  const unread = hours.filter((hour) => !remembered.has(keyOf(hour)));
  if (unread.length > 0) {
    const read = await tx.select().from(hourlyStats).where(inArray(hourlyStats.hour, unread.map(({ hour }) => hour)));
    for (const { counts, ...hour } of read) remembered.set(keyOf(hour), counts);
  }
  return hours.flatMap((hour) => remembered.get(keyOf(hour)) ?? []);
}

/** What lies between hours, from `from` on and before `to`. */
function gapsBetween(hours: readonly Date[], from: Date, to: Date): Span[] {
  const gaps: Span[] = [];
  let end = from;
  for (const hour of [...hours, to]) {
    if (hour > end) gaps.push({ from: end, to: hour });
    end = new Date(hour.getTime() + HOUR_MS);
  }
  return gaps;
}

/**
 * Counts up to `limit` past hours that are not counted yet, newest first, and those anew in which what was open has ended. Called
 * twice, or by two at once: the same counts. Dies in the middle: whole hours are there, or not.
 * @returns how many were counted
 */
export async function countPastHours(db: Database, now: Date, limit: number): Promise<number> {
  const due = await dueHours(db, now, limit);
  for (const hour of due) await countHour(db, hour, now);
  return due.length;
}

async function dueHours(db: Database, now: Date, limit: number): Promise<Date[]> {
  const [oldest] = await db.select({ createdAt: min(withdrawalRequests.createdAt) }).from(withdrawalRequests);
  if (!oldest?.createdAt) return [];
  const reach = hourOf(new Date(Math.max(now.getTime() - REACH_MS, oldest.createdAt.getTime())));
  const kept = await db.select({ hour: hourlyStats.hour, openIds: hourlyStats.openIds }).from(hourlyStats).where(gte(hourlyStats.hour, reach));
  const done = new Map(kept.map(({ hour, openIds }) => [hour.getTime(), openIds]));
  const open = await stillOpen(db, kept.flatMap(({ openIds }) => openIds));
  const due: Date[] = [];
  for (let hour = hourOf(new Date(now.getTime() - LATE_MS)).getTime() - HOUR_MS; hour >= reach.getTime() && due.length < limit; hour -= HOUR_MS) {
    const openIds = done.get(hour);
    if (openIds === undefined || openIds.some((requestId) => !open.has(requestId))) due.push(new Date(hour));
  }
  return due;
}

async function stillOpen(db: Queryable, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const { requestId, status } = withdrawalRequests;
  const rows = await db.select({ requestId }).from(withdrawalRequests).where(and(inArray(requestId, [...ids]), notInArray(status, [...END_STATUSES])));
  return new Set(rows.map((row) => row.requestId));
}

/** One moment for both: whatever has not ended in it is left out of the counts, and named. */
async function countHour(db: Database, hour: Date, now: Date): Promise<void> {
  const to = new Date(hour.getTime() + HOUR_MS);
  const { requestId, status, createdAt } = withdrawalRequests;
  const counted = await db.transaction(async (tx) => {
    const open = await tx.select({ requestId }).from(withdrawalRequests).where(and(inArray(status, OPEN_STATUSES), gte(createdAt, hour), lt(createdAt, to))).limit(OPEN_MAX + 1);
    if (open.length > OPEN_MAX) return null;
    const openIds = open.map((row) => row.requestId);
    return { openIds, counts: await countWithdrawals(tx, { spans: [{ from: hour, to }], except: openIds }) };
  }, ONE_MOMENT);
  if (counted) await db.insert(hourlyStats).values({ hour, ...counted, countedAt: now }).onDuplicateKeyUpdate({ set: { ...counted, countedAt: now } });
}
