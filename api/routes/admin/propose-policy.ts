import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { proposePolicy } from '../../../db/repositories/policy/policies.ts';
import { EngineError } from '../../../domain/errors.ts';
import type { Settings } from '../../../domain/settings.ts';
import { ADMINS } from '../../access.ts';
import { policyState } from '../../audit/states.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { checkRules } from '../../policies/check-rules.ts';
import { policyView } from '../../policies/view.ts';
import { errorResponses } from '../../schemas/error.ts';
import { NewPolicySchema, POLICY_BODY_BYTES_MAX, PolicyVersionSchema } from '../../schemas/policy.ts';

/** `PUT /admin/policies`: proposes rules in place of the live ones. Nothing changes before another admin approves. Called twice: the same draft. */
export const proposePolicyRoute: FastifyPluginAsyncTypebox<{ database: Database; sealKey: Uint8Array; settings: Settings }> = async (app, { database, sealKey, settings }) => {
  app.put(
    '/admin/policies',
    {
      bodyLimit: POLICY_BODY_BYTES_MAX,
      schema: {
        tags: ['admin'],
        summary: 'Propose a policy',
        description: 'Makes a draft on top of the version in force; nothing changes until another admin approves it. Rules that name an account, network or currency unknown here are refused. The same rules proposed again by the same admin are the same draft.',
        security: [{ bearer: [] }],
        body: NewPolicySchema,
        response: { 202: PolicyVersionSchema, ...errorResponses(409) },
      },
      config: { access: { who: ADMINS, secondFactor: true, audit: 'policy.propose' } },
    },
    async (request, reply) => {
      const { id: accountId } = accountOf(request);
      const document = await checkRules(database, settings.chain.network, request.body.rules);
      const proposed = await proposePolicy(database, sealKey, { document, reason: request.body.reason, proposedBy: accountId });
      if (proposed.kind === 'refused') throw new EngineError('INVALID_STATE', { reason: proposed.reason });
      request.audit.target(proposed.row.version);
      request.audit.after(policyState(proposed.row));
      request.log.info({ accountId, version: proposed.row.version, reason: proposed.row.reason }, 'policy proposed');
      return reply.code(202).send(await policyView(database, proposed.row));
    },
  );
};
