import type { ErrorCode } from '../domain/errors.ts';
import { EngineError } from '../domain/errors.ts';
import { isEnd } from '../domain/status.ts';
import type { Database } from '../db/client.ts';
import { settleFunds } from '../db/repositories/funds.ts';
import { freeNonce } from '../db/repositories/nonces.ts';
import { lockWithdrawal, moveTo } from '../db/repositories/withdrawals.ts';
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
 * Refuses with `INVALID_STATE` while a payment may be on chain. Called twice: the end stands, nothing is released again.
 */
export function makeCloseUnpaid(ports: { db: Database; nonceFront: NonceFront; log: ActivityLog }) {
  return moneyActivity('closeUnpaid', ports.log, async ({ requestId, status, code, reason }: CloseUnpaidInput): Promise<void> => {
    const freed = await transact(ports.db, async (tx) => {
      const request = await lockWithdrawal(tx, requestId);
      if (isEnd(request.status)) return null;
      if (request.hasLivePayment) throw new EngineError('INVALID_STATE', { reason: 'a payment may be on chain' });
      const nonce = await freeNonce(tx, requestId);
      await settleFunds(tx, requestId, { state: 'RELEASED', spentAmount: 0n, spentGasWei: 0n, settledBlock: null });
      const set = { errorCode: code, errorMessage: reason.slice(0, 1024), completedAt: new Date() };
      if (!(await moveTo(tx, requestId, status, status.toLowerCase(), { set, detail: { code } }))) throw new EngineError('INVALID_STATE', { reason: `${request.status} cannot end as ${status}` });
      return nonce;
    });
    if (freed) await ports.nonceFront.release(freed.chainId, freed.walletAddress, requestId, freed.nonce);
  });
}
