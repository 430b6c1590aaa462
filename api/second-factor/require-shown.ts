import type { onRequestAsyncHookHandler } from 'fastify';
import type { Database } from '../../db/client.ts';
import { readShown } from '../../db/repositories/accounts/second-factors.ts';
import { EngineError } from '../../domain/errors.ts';
import { ownSession } from './own-session.ts';

/**
 * An `onRequest` hook, after the account is known: passes a session in which the second factor was shown in time. Never a key,
 * whatever the settings say. Throws `FORBIDDEN`, `SECOND_FACTOR_REQUIRED`, `SECOND_FACTOR_NOT_ENROLLED`.
 * @param required whether the settings ask for a second factor at all
 */
export function requireShown(database: Database, required: boolean): onRequestAsyncHookHandler {
  return async (request) => {
    const session = ownSession(request);
    if (!required) return;
    const shown = await readShown(database, { ...session, now: new Date() });
    if (shown === 'missing') throw new EngineError('SECOND_FACTOR_NOT_ENROLLED');
    if (shown === 'expired') throw new EngineError('SECOND_FACTOR_REQUIRED');
  };
}
