import { customType, mysqlTable } from 'drizzle-orm/mysql-core';
import { statisticsFrom, statisticsText, type Statistics } from '../../domain/statistics.ts';
import { jsonColumn, timeColumn } from './columns.ts';

const statisticsColumn = customType<{ data: Statistics; driverData: string }>({ dataType: () => 'text', toDriver: statisticsText, fromDriver: statisticsFrom });

/**
 * Statistics of past hours. Exists so that a month is summed from 744 rows, not from millions: what has ended does not change any
 * more, so an hour is counted once, without the few that had not ended then. Can be emptied at any time: it is counted anew.
 */
export const hourlyStats = mysqlTable('hourly_stats', {
  /** its start; the withdrawals accepted in it are counted */
  hour: timeColumn('hour').primaryKey(),
  counts: statisticsColumn('counts').notNull(),
  /** those that had not ended when it was counted: not in `counts`, looked up by whoever reads */
  openIds: jsonColumn('open_ids').$type<string[]>().notNull(),
  countedAt: timeColumn('counted_at').notNull(),
});
