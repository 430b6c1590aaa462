import type { FastifyRequest } from 'fastify';
import type { Database } from '../../db/client.ts';
import { findEndpoint, type WebhookEndpointRow } from '../../db/repositories/webhooks/webhook-endpoints.ts';
import { EngineError } from '../../domain/errors.ts';
import { visibilityOf } from '../withdrawals/view-context.ts';

/** The endpoint a path names, for its owner or an ADMIN. Throws `NOT_FOUND` for anybody else, as if there were none. */
export async function ownEndpoint(db: Database, request: FastifyRequest, id: string): Promise<WebhookEndpointRow> {
  const endpoint = await findEndpoint(db, Number(id), visibilityOf(request));
  if (!endpoint) throw new EngineError('NOT_FOUND', { webhook: id });
  return endpoint;
}
