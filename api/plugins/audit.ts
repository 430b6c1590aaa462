import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Database } from '../../db/client.ts';
import { appendAudit } from '../../db/repositories/audit/audit-log.ts';
import { EngineError } from '../../domain/errors.ts';
import { createRefusals, type Refusals } from '../audit/refusals.ts';
import { createTrail, type AuditTrail, type KeptTrail } from '../audit/trail.ts';
import { classifyError } from '../errors/classify.ts';

declare module 'fastify' {
  interface FastifyInstance {
    auditRefusals: Refusals;
  }
  interface FastifyRequest {
    /** of a route that names an audit action; anywhere else there is nothing to tell, and asking throws */
    readonly audit: AuditTrail;
    auditTrail: KeptTrail | null;
    auditErrorCode: string | null;
  }
}

/**
 * Writes every call of a route whose access rule names an audit action into the audit log. Before the handler acts, `BEGUN` is
 * committed, or the call is refused with 503: nothing changes without a row. With the answer comes `ENDED`; a process that
 * dies in between leaves `BEGUN` alone. What was refused before it began is counted, see `createRefusals`. Routes that anyone may
 * call begin with `request.audit.by`, once it is known who calls.
 */
export const auditPlugin = fp(
  async (app: FastifyInstance, { database }: { database: Database }) => {
    const refusals = createRefusals({
      write: (record) => appendAudit(database, record),
      onFailure: (error) => app.log.warn({ error }, 'a refused call is missing in the audit log'),
    });
    app.decorate('auditRefusals', refusals);
    app.addHook('onClose', () => refusals.close());
    app.decorateRequest('auditTrail', null);
    app.decorateRequest('auditErrorCode', null);
    app.decorateRequest('audit', { getter: trailOf });

    const begin = async (trail: KeptTrail): Promise<void> => {
      try {
        await appendAudit(database, trail.row('BEGUN'));
      } catch (error) {
        throw new EngineError('SERVICE_UNAVAILABLE', { reason: 'audit-log' }, { cause: error });
      }
      trail.begun = true;
    };

    app.addHook('onRoute', (route) => {
      const access = route.config?.access;
      const action = access?.audit;
      if (!access || !action) return;
      const given = [route.onRequest ?? []].flat();
      route.onRequest = [async (request) => void (request.auditTrail = createTrail(request, action, begin)), ...given];
      if (access.who === 'anyone' || access.auditInTransaction) return;
      route.preHandler = [...[route.preHandler ?? []].flat(), async (request) => begin(keptOf(request))];
    });

    app.addHook('onError', async (request, _reply, error) => {
      request.auditErrorCode = classifyError(error).error.code;
    });

    app.addHook('onSend', async (request, reply) => {
      const trail = request.auditTrail;
      if (!trail) return;
      const outcome = { status: reply.statusCode, errorCode: request.auditErrorCode };
      if (!trail.begun) {
        if (reply.statusCode >= 400) refusals.count(trail.row('REFUSED', outcome));
        // Nothing was found to change: a call that names nobody is counted all the same.
        else if (request.routeOptions.config.access?.auditInTransaction !== true) refusals.count(trail.row('DONE', outcome));
        return;
      }
      await appendAudit(database, trail.row('ENDED', outcome)).catch((error: unknown) => request.log.error({ error }, 'the change stands; how the call ended is missing in the audit log'));
    });
  },
  { name: 'audit', dependencies: ['access'] },
);

function keptOf(request: FastifyRequest): KeptTrail {
  if (request.auditTrail === null) throw new Error('the route names no audit action');
  return request.auditTrail;
}

function trailOf(this: FastifyRequest): AuditTrail {
  return keptOf(this);
}
