import type { ErrorCode } from '../domain/errors.ts';
import { EngineError } from '../domain/errors.ts';
import { isEnd, type EndStatus } from '../domain/status.ts';
import type { Database } from '../db/client.ts';
import { settleFunds } from '../db/repositories/payments/funds.ts';
import { freeNonce } from '../db/repositories/payments/nonces.ts';
import { isClaimedPaid, lockWithdrawal, moveTo } from '../db/repositories/withdrawals/withdrawals.ts';
import { transact } from '../db/transact.ts';
import { moneyActivity, type ActivityLog } from './failure.ts';
import type { NonceFront } from './nonce-front.ts';

export interface CloseUnpaidInput {
  requestId: string;
  status: 'FAILED' | 'CANCELLED' | 'REJECTED';
  code: ErrorCode;
  /** technical detail for operators */
  reason: string;
}

/**
 * Ends a withdrawal that provably was not paid: frees its unsigned nonce, releases its funds, enters the end status.
 * Refuses with `INVALID_STATE` while a payment may be on chain, or a person says that it was paid by hand. Called twice, or after another end: that end stands and
 * nothing is released again.
 * @returns the end the withdrawal has now, whoever reached it
 */
export function makeCloseUnpaid(ports: { db: Database; nonceFront: NonceFront; log: ActivityLog }) {
  return moneyActivity('closeUnpaid', ports.log, async ({ requestId, status, code, reason }: CloseUnpaidInput): Promise<EndStatus> => {
    const closed = await transact(ports.db, async (tx) => {
      const request = await lockWithdrawal(tx, requestId);
      if (isEnd(request.status)) return { status: request.status, nonce: null };
      if (request.hasLivePayment) throw new EngineError('INVALID_STATE', { reason: 'a payment may be on chain' });
      if (isClaimedPaid(request)) throw new EngineError('INVALID_STATE', { reason: 'a person says it was paid' });
      const nonce = await freeNonce(tx, requestId);
      await settleFunds(tx, requestId, { state: 'RELEASED', spentAmount: 0n, spentGasWei: 0n, settledBlock: null });
      const set = { errorCode: code, errorMessage: reason.slice(0, 1024), completedAt: new Date() };
      if (!(await moveTo(tx, requestId, status, status.toLowerCase(), { set, detail: { code } }))) throw new EngineError('INVALID_STATE', { reason: `${request.status} cannot end as ${status}` });
      return { status, nonce };
    });
    if (closed.nonce) await ports.nonceFront.release(closed.nonce.chainId, closed.nonce.walletAddress, requestId, closed.nonce.nonce);
    return closed.status;
  });
}
