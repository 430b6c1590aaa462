import type { Database } from '../../db/client.ts';
import type { FoundDeadLetter } from '../../db/repositories/operations/list-dead-letters.ts';
import { DEAD_LETTER_ACTIONS, whyNot } from '../../domain/dead-letters.ts';
import { isErrorCode, profileOf, stopsWithdrawals } from '../../domain/errors.ts';
import type { Advice, Messages } from '../messages/messages.ts';
import type { DeadLetterView } from '../schemas/dead-letter.ts';
import { withdrawalViews } from '../withdrawals/page-view.ts';
import type { ViewContext } from '../withdrawals/view.ts';

/** Cause and next step of a stored code, in the caller's language. */
function adviceFor(code: string, messages: Messages): Advice {
  return messages.advice[isErrorCode(code) && stopsWithdrawals(code) ? code : 'INTERNAL'];
}

/** Dead letters as operators see them. */
export async function deadLetterViews(database: Database, found: readonly FoundDeadLetter[], context: ViewContext, now: Date): Promise<DeadLetterView[]> {
  const withdrawals = await withdrawalViews(database, found.map(({ request }) => request), context);
  return found.map(({ letter, request, nonce }, index) => {
    const withdrawal = withdrawals[index];
    if (!withdrawal) throw new Error('a dead letter without its withdrawal');
    return {
      id: letter.id,
      requestId: letter.requestId,
      code: letter.code,
      class: letter.class,
      retryProfile: isErrorCode(letter.code) ? profileOf(letter.code) : null,
      reason: letter.reason,
      advice: adviceFor(letter.code, context.messages),
      parkedAt: letter.parkedAt.toISOString(),
      ageSeconds: Math.max(0, Math.floor(((letter.resolvedAt ?? now).getTime() - letter.parkedAt.getTime()) / 1_000)),
      escalations: letter.escalations,
      escalatedAt: letter.escalatedAt?.toISOString() ?? null,
      retrySaidAt: letter.retrySaidAt?.toISOString() ?? null,
      retrySaidBy: letter.retrySaidBy,
      resolvedAt: letter.resolvedAt?.toISOString() ?? null,
      resolution: letter.resolution,
      holds: { livePayment: request.hasLivePayment, nonce: nonce && { nonce: nonce.nonce, signer: nonce.walletAddress, state: nonce.state } },
      actions: DEAD_LETTER_ACTIONS.map((action) => {
        // One that waits no longer is answered: what may be said of its withdrawal now is no business of this letter.
        const reason = letter.resolvedAt === null ? whyNot(action, request) : 'not-parked';
        return { action, possible: reason === null, reason };
      }),
      withdrawal,
    };
  });
}
