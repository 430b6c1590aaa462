import type { makeBroadcast } from './broadcast.ts';
import type { makeCloseUnpaid } from './close-unpaid.ts';
import type { makeConfirm } from './confirm.ts';
import type { makeMarkPaid } from './mark-paid.ts';
import type { makePark } from './park.ts';
import type { makeListHotWallets, makeReconcileWallet } from './reconcile/reconcile-wallet.ts';
import type { makeRequestCancel } from './request-cancel.ts';
import type { makeReserveFunds } from './reserve-funds.ts';
import type { makeSettle } from './settle.ts';
import type { makeSign } from './sign.ts';
import type { makeSweep } from './sweep.ts';

/** Activities by the role that serves them: what workflows may import, as types only. */
export interface WithdrawalActivities {
  reserveFunds: ReturnType<typeof makeReserveFunds>;
  settle: ReturnType<typeof makeSettle>;
  closeUnpaid: ReturnType<typeof makeCloseUnpaid>;
  park: ReturnType<typeof makePark>;
  markPaid: ReturnType<typeof makeMarkPaid>;
  requestCancel: ReturnType<typeof makeRequestCancel>;
  sweep: ReturnType<typeof makeSweep>;
  listHotWallets: ReturnType<typeof makeListHotWallets>;
  reconcileWallet: ReturnType<typeof makeReconcileWallet>;
}
export interface SigningActivities {
  sign: ReturnType<typeof makeSign>;
}
export interface BroadcastActivities {
  broadcast: ReturnType<typeof makeBroadcast>;
}
export interface MonitorActivities {
  confirm: ReturnType<typeof makeConfirm>;
}

export type { BroadcastResult } from './broadcast.ts';
export type { CloseUnpaidInput } from './close-unpaid.ts';
export type { ConfirmVerdict } from './confirm.ts';
export type { FailureDetail } from './failure.ts';
export type { FundsResult } from './reserve-funds.ts';
export type { MarkPaidResult } from './mark-paid.ts';
export type { FinalVerdict } from './settle.ts';
export type { SignInput, SignResult } from './sign.ts';
