import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import type { Settings } from '../../../domain/settings.ts';
import { READERS } from '../../access.ts';
import { languageOf, messagesIn } from '../../messages/language.ts';
import { checkRules } from '../../policies/check-rules.ts';
import { simulate } from '../../policies/simulate.ts';
import { POLICY_BODY_BYTES_MAX, SimulationBodySchema, SimulationSchema } from '../../schemas/policy.ts';

/** `POST /admin/policies/simulate`: what the live policy, or rules that are given, would say of a withdrawal, and why. Changes nothing. */
export const simulatePolicy: FastifyPluginAsyncTypebox<{ database: Database; settings: Settings }> = async (app, { database, settings }) => {
  app.post(
    '/admin/policies/simulate',
    {
      bodyLimit: POLICY_BODY_BYTES_MAX,
      schema: {
        tags: ['admin'],
        summary: 'Try a policy on a withdrawal',
        description: 'Judged by the live rules, or by those given, with what was counted until now. Nothing is written, and nothing is counted.',
        security: [{ bearer: [] }],
        body: SimulationBodySchema,
        response: { 200: SimulationSchema },
      },
      config: { access: { who: READERS, audit: null } },
    },
    async (request) => {
      const { withdrawal, policy } = request.body;
      const rules = policy ? await checkRules(database, settings.chain.network, policy.rules) : null;
      return simulate({ database, chain: settings.chain, messages: messagesIn(languageOf(request.headers['accept-language'])) }, withdrawal, rules);
    },
  );
};
