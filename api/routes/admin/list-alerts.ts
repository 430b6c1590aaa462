import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import type { AlertRow } from '../../../db/repositories/operations/alerts.ts';
import { pageAlerts } from '../../../db/repositories/operations/list-alerts.ts';
import { READERS } from '../../access.ts';
import { decodeIdCursor, encodeIdCursor } from '../../pagination-cursor.ts';
import { AlertListSchema, AlertQuery, type AlertView } from '../../schemas/alert.ts';
import { LIST_LIMIT_DEFAULT } from '../../schemas/withdrawal.ts';

/** `GET /admin/alerts`: what a person was called for, newest first; the open ones unless told otherwise. */
export const alertList: FastifyPluginAsyncTypebox<{ database: Database }> = async (app, { database }) => {
  app.get(
    '/admin/alerts',
    {
      schema: {
        tags: ['admin'],
        summary: 'What a person was called for',
        description: 'Open alerts, newest first; state=resolved shows those whose condition is gone. One condition is one alert, however often it was seen.',
        security: [{ bearer: [] }],
        querystring: AlertQuery,
        response: { 200: AlertListSchema },
      },
      config: { access: { who: READERS } },
    },
    async (request) => {
      const { state = 'open', kind, subject, cursor, limit = LIST_LIMIT_DEFAULT } = request.query;
      const { rows, next } = await pageAlerts(database, { open: state === 'open', kind, subject, after: cursor === undefined ? undefined : decodeIdCursor(cursor), limit });
      return { items: rows.map(alertView), nextCursor: next === null ? null : encodeIdCursor(next) };
    },
  );
};

function alertView({ id, kind, chainId, subject, detail, timesSeen, raisedAt, seenAt, resolvedAt }: AlertRow): AlertView {
  return { id, kind, chainId, subject, detail, timesSeen, raisedAt: raisedAt.toISOString(), seenAt: seenAt.toISOString(), resolvedAt: resolvedAt?.toISOString() ?? null };
}
