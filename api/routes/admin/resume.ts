import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { liftHalt, listHalts } from '../../../db/repositories/operations/halts.ts';
import { sameAddress } from '../../../domain/address.ts';
import { EngineError } from '../../../domain/errors.ts';
import type { Settings } from '../../../domain/settings.ts';
import { ADMINS } from '../../access.ts';
import { haltOf } from '../../halts/target.ts';
import { haltViews } from '../../halts/view.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { errorResponses } from '../../schemas/error.ts';
import { HaltBodySchema, HaltListSchema } from '../../schemas/halt.ts';

/**
 * `POST /admin/resume`: lifts what a person halted, and answers with what still stands. What stands no more, or never did, is a
 * 409: who lifts a halt should know which. A recovery's halt is not lifted by a person's word.
 */
export const resume: FastifyPluginAsyncTypebox<{ database: Database; settings: Settings }> = async (app, deps) => {
  app.post(
    '/admin/resume',
    {
      schema: {
        tags: ['admin'],
        summary: 'Lift a halt',
        description: 'Held withdrawals go on within ten seconds. 409 when no such halt stands, and for a RECOVERY halt, which `npm run recover` lifts.',
        security: [{ bearer: [] }],
        body: HaltBodySchema,
        response: { 200: HaltListSchema, ...errorResponses(409) },
      },
      config: { access: { who: ADMINS, secondFactor: true, audit: 'halt.lift' } },
    },
    async (request) => {
      const { database } = deps;
      const asked = await haltOf(request.body, deps);
      request.audit.target(`${asked.scope} ${asked.target}`);
      request.audit.before({ halts: haltViews(await listHalts(database)) });
      // One set by hand in the database may be spelled differently.
      const meant = (await listHalts(database)).filter(({ scope, target }) => scope === asked.scope && sameAddress(target, asked.target));
      let lifted = false;
      for (const { scope, target, kind } of meant) if (kind === 'OPERATOR') lifted = (await liftHalt(database, { scope, target, kind })) || lifted;
      if (!lifted) throw new EngineError('INVALID_STATE', { field: 'target', reason: meant.some(({ kind }) => kind === 'RECOVERY') ? 'recovery-halt' : 'not-halted' });
      request.log.info({ accountId: accountOf(request).id, scope: asked.scope, target: asked.target, reason: request.body.reason }, 'resumed');
      const standing = haltViews(await listHalts(database));
      request.audit.after({ halts: standing, reason: request.body.reason });
      return { items: standing, nextCursor: null };
    },
  );
};
