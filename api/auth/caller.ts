import type { FastifyRequest } from 'fastify';
import type { Caller } from './open-session.ts';

/** Where a request comes from, as its session remembers it. */
export function callerOf(request: FastifyRequest): Caller {
  return { ip: request.ip, userAgent: request.headers['user-agent'] };
}
