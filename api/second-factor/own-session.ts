import type { FastifyRequest } from 'fastify';
import { EngineError } from '../../domain/errors.ts';
import { accountOf } from '../plugins/authentication.ts';

/** Whose session a request is made in. A factor is shown by a person: throws `FORBIDDEN` for a key. */
export function ownSession(request: FastifyRequest): { userId: number; sessionId: string } {
  const { id, via } = accountOf(request);
  if (via.kind !== 'session') throw new EngineError('FORBIDDEN');
  return { userId: id, sessionId: via.sessionId };
}
