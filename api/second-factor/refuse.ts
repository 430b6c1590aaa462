import type { FastifyRequest } from 'fastify';
import type { Judgement } from '../../db/repositories/accounts/judge-second-factor.ts';
import { EngineError } from '../../domain/errors.ts';
import { accountOf } from '../plugins/authentication.ts';

/** Passes an accepted code. Throws `SECOND_FACTOR_REFUSED`, `RATE_LIMITED`, or `INVALID_STATE`. */
export function assertAccepted(request: FastifyRequest, judgement: Judgement): void {
  switch (judgement.kind) {
    case 'accepted':
      return;
    case 'wrong':
      request.log.warn({ accountId: accountOf(request).id, wrongTries: judgement.wrongTries }, 'a wrong code of the second factor');
      throw new EngineError('SECOND_FACTOR_REFUSED');
    case 'wait':
      return refuseUntil(judgement.until);
    case 'refused':
      throw new EngineError('INVALID_STATE', { reason: judgement.reason });
    default:
      return judgement satisfies never;
  }
}

function refuseUntil(until: Date): never {
  const retryAfterSeconds = String(Math.max(1, Math.ceil((until.getTime() - Date.now()) / 1_000)));
  throw new EngineError('RATE_LIMITED', { retryAfterSeconds });
}
