import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { approvePolicy, rejectPolicy } from '../../../db/repositories/policy/policies.ts';
import { ADMINS } from '../../access.ts';
import { rowOf } from '../../errors/row-of.ts';
import { readPolicyState } from '../../audit/states.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { policyView } from '../../policies/view.ts';
import { errorResponses } from '../../schemas/error.ts';
import { PolicyVersionParams, PolicyVersionSchema, RejectionSchema } from '../../schemas/policy.ts';

/**
 * `POST /admin/policies/:version/approve` puts a draft into force, in place of the version it was proposed on;
 * `POST /admin/policies/:version/reject` ends it. Called twice by one admin: the same answer.
 */
export const decidePolicy: FastifyPluginAsyncTypebox<{ database: Database; sealKey: Uint8Array }> = async (app, { database, sealKey }) => {
  const response = { 200: PolicyVersionSchema, ...errorResponses(404, 409) };

  app.post(
    '/admin/policies/:version/approve',
    {
      schema: {
        tags: ['admin'],
        summary: 'Put a proposed policy into force',
        description: 'By another admin than the one who proposed it (409 otherwise). 409 also for a draft on a version that is no longer in force. Withdrawals judged before keep what was decided.',
        security: [{ bearer: [] }],
        params: PolicyVersionParams,
        response,
      },
      config: { access: { who: ADMINS, secondFactor: true, audit: 'policy.approve' } },
    },
    async (request) => {
      const { id: accountId } = accountOf(request);
      const version = Number(request.params.version);
      request.audit.before(await readPolicyState(database, version));
      const row = rowOf(await approvePolicy(database, sealKey, version, accountId));
      request.audit.after(await readPolicyState(database, version));
      request.log.info({ accountId, version: row.version, replaced: row.baseVersion }, 'policy approved');
      return policyView(database, row);
    },
  );

  app.post(
    '/admin/policies/:version/reject',
    {
      schema: {
        tags: ['admin'],
        summary: 'Reject a proposed policy',
        description: 'Whoever proposed it may take it back this way too.',
        security: [{ bearer: [] }],
        params: PolicyVersionParams,
        body: RejectionSchema,
        response,
      },
      config: { access: { who: ADMINS, secondFactor: true, audit: 'policy.reject' } },
    },
    async (request) => {
      const { id: accountId } = accountOf(request);
      const version = Number(request.params.version);
      request.audit.before(await readPolicyState(database, version));
      const row = rowOf(await rejectPolicy(database, sealKey, version, { rejectedBy: accountId, reason: request.body.reason }));
      request.audit.after(await readPolicyState(database, version));
      request.log.info({ accountId, version: row.version, reason: request.body.reason }, 'policy rejected');
      return policyView(database, row);
    },
  );
};
