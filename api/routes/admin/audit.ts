import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Client } from '@temporalio/client';
import type { Database } from '../../../db/client.ts';
import { pageAudit } from '../../../db/repositories/audit/audit-log.ts';
import { READERS } from '../../access.ts';
import { verificationOf } from '../../audit/verification.ts';
import { auditEntryView } from '../../audit/view.ts';
import { decodeIdCursor, encodeIdCursor } from '../../pagination-cursor.ts';
import { AuditListSchema, AuditQuery, AuditVerificationSchema } from '../../schemas/audit.ts';
import { LIST_LIMIT_DEFAULT } from '../../schemas/withdrawal.ts';
import { optionalTime } from '../../times.ts';

/** `GET /admin/audit`: who changed what, newest first; `GET /admin/audit/verification`: whether the newest of it is what was written. */
export const auditRoutes: FastifyPluginAsyncTypebox<{ database: Database; temporal: Client }> = async (app, deps) => {
  app.get(
    '/admin/audit',
    {
      schema: {
        tags: ['admin'],
        summary: 'Who changed what',
        description: 'Every call and command that changes something, newest first: who, from where, what, before, after and how it ended. Everything given must hold.',
        security: [{ bearer: [] }],
        querystring: AuditQuery,
        response: { 200: AuditListSchema },
      },
      config: { access: { who: READERS } },
    },
    async (request) => {
      const { from, to, cursor, limit = LIST_LIMIT_DEFAULT, ...equal } = request.query;
      const after = cursor === undefined ? undefined : decodeIdCursor(cursor);
      const { rows, next } = await pageAudit(deps.database, { ...equal, from: optionalTime('from', from), to: optionalTime('to', to), after, limit });
      return { items: rows.map(auditEntryView), nextCursor: next === null ? null : encodeIdCursor(next) };
    },
  );

  app.get(
    '/admin/audit/verification',
    {
      schema: {
        tags: ['admin'],
        summary: 'Whether the audit log is what was written',
        description: 'Walks the newest links of the hash chain and holds them against the newest anchor in Temporal. `npm run audit:verify` walks all of it, against all anchors that are kept.',
        security: [{ bearer: [] }],
        response: { 200: AuditVerificationSchema },
      },
      config: { access: { who: READERS } },
    },
    async (request) => verificationOf(deps, request.log),
  );
};
