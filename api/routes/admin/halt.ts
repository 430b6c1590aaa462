import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { untilThrough } from '../../../db/repositories/operations/halt-gate.ts';
import { listHalts, setHalt } from '../../../db/repositories/operations/halts.ts';
import type { Settings } from '../../../domain/settings.ts';
import { ADMINS } from '../../access.ts';
import { haltOf } from '../../halts/target.ts';
import { haltViews } from '../../halts/view.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { bounded } from '../../ready/bounded.ts';
import { HaltAnswerSchema, HaltBodySchema } from '../../schemas/halt.ts';

/** How long the answer waits for signatures that passed before. They take milliseconds; a process that was frozen in the middle must not hold up the answer. */
const THROUGH_MS_MAX = 2_000;

/**
 * `POST /admin/halt`: the kill switch. The halt is committed first, so every look from then on sees it; the answer then waits until
 * those that had looked before are through. Called twice: the first reason stands, the answer is the same.
 */
export const halt: FastifyPluginAsyncTypebox<{ database: Database; settings: Settings }> = async (app, deps) => {
  app.post(
    '/admin/halt',
    {
      schema: {
        tags: ['admin'],
        summary: 'Stop paying: everything, a chain, a token or a wallet',
        description:
          'Nothing the halt covers is signed or sent until it is lifted. Withdrawals are still accepted, and held. What was sent before may still be mined. Called again it answers the same, and the first reason stands.',
        security: [{ bearer: [] }],
        body: HaltBodySchema,
        response: { 200: HaltAnswerSchema },
      },
      config: { access: { who: ADMINS, secondFactor: true, audit: 'halt.set' } },
    },
    async (request) => {
      const { database } = deps;
      const { id: accountId } = accountOf(request);
      const asked = await haltOf(request.body, deps);
      request.audit.target(`${asked.scope} ${asked.target}`);
      request.audit.before({ halts: haltViews(await listHalts(database)) });
      await setHalt(database, { ...asked, reason: request.body.reason, setBy: `account ${accountId}` });
      request.audit.after({ halts: haltViews(await listHalts(database)), reason: request.body.reason });
      const underWay = await bounded(THROUGH_MS_MAX, untilThrough(database)).then(
        () => false,
        (error: unknown) => {
          request.log.warn({ error }, 'the halt stands; a signature that passed before it may still be under way');
          return true;
        },
      );
      request.log.info({ accountId, scope: asked.scope, target: asked.target, reason: request.body.reason, underWay }, 'halted');
      return { items: haltViews(await listHalts(database)), nextCursor: null, underWay };
    },
  );
};
