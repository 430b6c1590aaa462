import type { FastifyRequest } from 'fastify';
import type { Visibility } from '../../db/repositories/withdrawals/read-withdrawals.ts';
import type { Settings } from '../../domain/settings.ts';
import { READERS } from '../access.ts';
import { languageOf, messagesIn } from '../messages/language.ts';
import { accountOf } from '../plugins/authentication.ts';
import type { ViewContext } from './view.ts';

/** In which language, and with which explorer, a request is answered. */
export function viewContextOf(request: FastifyRequest, settings: Settings): ViewContext {
  return { messages: messagesIn(languageOf(request.headers['accept-language'])), explorerUrl: settings.chain.explorerUrl.replace(/\/+$/, ''), fundsWaitMs: settings.fundsWaitMs };
}

/** An owner sees his own withdrawals; whoever may look at everything, all. By a key only the owner's own: nothing that operators do is done by one. */
export function visibilityOf(request: FastifyRequest): Visibility {
  const { id, role, via } = accountOf(request);
  return via.kind === 'session' && READERS.includes(role) ? 'all' : { ownerId: id };
}
