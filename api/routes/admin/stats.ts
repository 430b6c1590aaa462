import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { createStatisticsReader, HOUR_MS, REACH_MS } from '../../../db/repositories/withdrawals/statistics.ts';
import { EngineError } from '../../../domain/errors.ts';
import type { Settings } from '../../../domain/settings.ts';
import { READERS } from '../../access.ts';
import { StatsQuery, StatsSchema } from '../../schemas/stats.ts';
import { statsView } from '../../stats/view.ts';
import { optionalTime } from '../../times.ts';

const WINDOW_MS_DEFAULT = 24 * HOUR_MS;

/** `GET /admin/stats`: counts, success, latencies and volumes of the withdrawals accepted in a window. */
export const stats: FastifyPluginAsyncTypebox<{ database: Database; settings: Settings }> = async (app, { database, settings }) => {
  const readStatistics = createStatisticsReader(database);
  app.get(
    '/admin/stats',
    {
      schema: {
        tags: ['admin'],
        summary: 'How withdrawals went over a window',
        description: 'About the withdrawals accepted in the window, as they stand now: the last 24 hours, or up to 31 days.',
        security: [{ bearer: [] }],
        querystring: StatsQuery,
        response: { 200: StatsSchema },
      },
      config: { access: { who: READERS } },
    },
    async (request) => {
      const to = optionalTime('to', request.query.to) ?? new Date();
      const from = optionalTime('from', request.query.from) ?? new Date(to.getTime() - WINDOW_MS_DEFAULT);
      const lengthMs = to.getTime() - from.getTime();
      if (lengthMs <= 0 || lengthMs > REACH_MS) throw new EngineError('VALIDATION_FAILED', { field: 'from', reason: lengthMs <= 0 ? 'not-before-to' : 'window-too-long' });
      return statsView(await readStatistics(from, to), { from, to, network: settings.chain.network });
    },
  );
};
