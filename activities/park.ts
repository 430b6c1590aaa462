import type { ErrorClass, ErrorCode } from '../domain/errors.ts';
import type { Settings } from '../domain/settings.ts';
import { isEnd, type EndStatus } from '../domain/status.ts';
import type { Database } from '../db/client.ts';
import { raiseAlert } from '../db/repositories/operations/alerts.ts';
import { openDeadLetter } from '../db/repositories/operations/dead-letters.ts';
import { freeNonce } from '../db/repositories/payments/nonces.ts';
import { appendEvent } from '../db/repositories/withdrawals/events.ts';
import { isClaimedPaid, lockWithdrawal, moveTo, setWithdrawal } from '../db/repositories/withdrawals/withdrawals.ts';
import { transact } from '../db/transact.ts';
import { moneyActivity, type ActivityLog } from './failure.ts';
import type { NonceFront } from './nonce-front.ts';

export interface ParkInput {
  requestId: string;
  code: ErrorCode;
  class: ErrorClass;
  /** technical detail for operators */
  reason: string;
}

export interface ParkResult {
  /** signed bytes hold a nonce: it has to be settled on chain, or later withdrawals wait behind it */
  holdsNonce: boolean;
  /** the end it had reached before, if any: nothing was parked then */
  ended: EndStatus | null;
  /** the dead letter it waits by: a retry answers one letter; null when it had ended */
  letterId: number | null;
  /** how often people were reminded of that letter before */
  reminders: number;
  /** how long nobody may answer before people are reminded, ms, the last one again and again */
  escalateAfterMs: readonly number[];
}

/**
 * Parks a withdrawal for a person: `DEAD_LETTERED` with code and reason. An unsigned nonce is freed here, so that nothing
 * parks on it. Called twice: it stays parked, the reason is the first one's; but a person's word that it was paid by hand
 * takes its place, and forbids a cancellation until the chain was asked.
 */
export function makePark(ports: { db: Database; nonceFront: NonceFront; settings: Pick<Settings, 'deadLetters'>; log: ActivityLog }) {
  return moneyActivity('park', ports.log, async ({ requestId, code, class: errorClass, reason }: ParkInput): Promise<ParkResult> => {
    const { freed, holdsNonce, ended, letter } = await transact(ports.db, async (tx) => {
      const request = await lockWithdrawal(tx, requestId);
      if (isEnd(request.status)) return { freed: null, holdsNonce: false, ended: request.status, letter: null };
      const nonce = await freeNonce(tx, requestId);
      const set = { errorCode: code, errorMessage: reason.slice(0, 1024) };
      const detail = { code, class: errorClass, reason };
      const parked = await moveTo(tx, requestId, 'DEAD_LETTERED', 'parked for a person', { set, detail });
      const opened = await openDeadLetter(tx, { requestId, chainId: request.chainId, currency: request.currency, code, class: errorClass, reason });
      await raiseAlert(tx, { kind: 'WITHDRAWAL_PARKED', chainId: request.chainId, subject: requestId, detail: { code, reason: reason.slice(0, 300) } });
      if (!parked && code === 'PAID_BY_HAND' && !isClaimedPaid(request)) {
        // A person's word on what is parked already: it stands beside every other wish until the chain was asked.
        await setWithdrawal(tx, requestId, set);
        await appendEvent(tx, { requestId, type: 'said to be paid by hand', detail });
      }
      return { freed: nonce, holdsNonce: request.hasLivePayment && request.paidTxHash === null, ended: null, letter: opened };
    });
    if (freed) await ports.nonceFront.release(freed.chainId, freed.walletAddress, requestId, freed.nonce);
    if (ended === null) ports.log.error({ requestId, code, class: errorClass, reason }, 'a withdrawal was parked for a person');
    return { holdsNonce, ended, letterId: letter?.id ?? null, reminders: letter?.escalations ?? 0, escalateAfterMs: ports.settings.deadLetters.escalateAfterMs };
  });
}
