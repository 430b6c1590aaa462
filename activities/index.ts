import type { makeBroadcast } from './broadcast.ts';
import type { makeChainAudit } from './chain-audit.ts';
import type { makeCloseUnpaid } from './close-unpaid.ts';
import type { makeConfirm } from './confirm.ts';
import type { makeMarkPaid } from './mark-paid.ts';
import type { makeEscalate } from './escalate.ts';
import type { makeInspectWallet } from './guardian/inspect-wallet.ts';
import type { makePark } from './park.ts';
import type { makeListHotWallets, makeReconcileWallet } from './reconcile/reconcile-wallet.ts';
import type { makeRequestCancel } from './request-cancel.ts';
import type { makeReserveFunds } from './reserve-funds.ts';
import type { makeSendFiller } from './send-filler.ts';
import type { makeSettle } from './settle.ts';
import type { makeSign } from './sign.ts';
import type { makeSignFiller } from './sign-filler.ts';
import type { makeSweep } from './sweep.ts';
import type { makeTallyApprovals } from './tally-approvals.ts';
import type { makeWatchTreasury } from './treasury/watch-treasury.ts';
import type { makeAttemptDelivery } from './webhooks/attempt-delivery.ts';

/** Activities by the role that serves them: what workflows may import, as types only. */
export interface WithdrawalActivities {
  reserveFunds: ReturnType<typeof makeReserveFunds>;
  settle: ReturnType<typeof makeSettle>;
  closeUnpaid: ReturnType<typeof makeCloseUnpaid>;
  park: ReturnType<typeof makePark>;
  markPaid: ReturnType<typeof makeMarkPaid>;
  tallyApprovals: ReturnType<typeof makeTallyApprovals>;
  escalate: ReturnType<typeof makeEscalate>;
  requestCancel: ReturnType<typeof makeRequestCancel>;
  sweep: ReturnType<typeof makeSweep>;
  listHotWallets: ReturnType<typeof makeListHotWallets>;
  reconcileWallet: ReturnType<typeof makeReconcileWallet>;
  inspectWallet: ReturnType<typeof makeInspectWallet>;
  watchTreasury: ReturnType<typeof makeWatchTreasury>;
  chainAudit: ReturnType<typeof makeChainAudit>;
}
export interface SigningActivities {
  sign: ReturnType<typeof makeSign>;
  signFiller: ReturnType<typeof makeSignFiller>;
}
export interface BroadcastActivities {
  broadcast: ReturnType<typeof makeBroadcast>;
  sendFiller: ReturnType<typeof makeSendFiller>;
}
export interface MonitorActivities {
  confirm: ReturnType<typeof makeConfirm>;
}

export interface NotificationActivities {
  attemptDelivery: ReturnType<typeof makeAttemptDelivery>;
}

export type { BroadcastResult } from './broadcast.ts';
export type { AuditAnchor } from './chain-audit.ts';
export type { CloseUnpaidInput } from './close-unpaid.ts';
export type { ConfirmVerdict } from './confirm.ts';
export type { FailureDetail } from './failure.ts';
export type { FundsResult } from './reserve-funds.ts';
export type { MarkPaidResult } from './mark-paid.ts';
export type { FillerTask, InspectWalletResult } from './guardian/inspect-wallet.ts';
export type { FinalVerdict } from './settle.ts';
export type { SignInput, SignResult } from './sign.ts';
export type { AttemptInput } from './webhooks/attempt-delivery.ts';
