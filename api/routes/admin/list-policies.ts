import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { pagePolicies } from '../../../db/repositories/policy/policies.ts';
import { READERS } from '../../access.ts';
import { decodeIdCursor, encodeIdCursor } from '../../pagination-cursor.ts';
import { policyViews } from '../../policies/view.ts';
import { PolicyListQuery, PolicyListSchema } from '../../schemas/policy.ts';
import { LIST_LIMIT_DEFAULT } from '../../schemas/withdrawal.ts';

/** `GET /admin/policies`: every version there ever was, newest first: the live one, drafts, and what was in force before. */
export const listPolicies: FastifyPluginAsyncTypebox<{ database: Database }> = async (app, { database }) => {
  app.get(
    '/admin/policies',
    {
      schema: {
        tags: ['admin'],
        summary: 'Versions of the policy, newest first',
        description: '`?status=LIVE` gives the one in force, `?status=DRAFT` what waits for a second admin.',
        security: [{ bearer: [] }],
        querystring: PolicyListQuery,
        response: { 200: PolicyListSchema },
      },
      config: { access: { who: READERS } },
    },
    async (request) => {
      const { status, cursor, limit = LIST_LIMIT_DEFAULT } = request.query;
      const { rows, next } = await pagePolicies(database, { status, before: cursor === undefined ? undefined : decodeIdCursor(cursor), limit });
      return { items: await policyViews(database, rows), nextCursor: next === null ? null : encodeIdCursor(next) };
    },
  );
};
