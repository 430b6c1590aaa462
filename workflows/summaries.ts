import type { WorkflowInterceptorsFactory } from '@temporalio/workflow';
import type { BroadcastActivities, MonitorActivities, NotificationActivities, SigningActivities, WithdrawalActivities } from '../activities/index.ts';

type Activities = WithdrawalActivities & SigningActivities & BroadcastActivities & MonitorActivities & NotificationActivities;
type Summaries = { [Name in keyof Activities]: (input: Parameters<Activities[Name]>[0]) => string };

const SIGNING = {
  pay: 'sign the payment',
  replace: 'sign the same payment at a higher fee, same nonce',
  void: 'sign what pays nothing, same nonce',
} as const;

/** Why a step was taken. No text from outside: the server fails the task of a workflow whose summary is longer than 400 bytes. */
const SUMMARIES: Summaries = {
  reserveFunds: ({ retried }) => `judge by the policy and hold funds${retried === true ? ', as a person said retry' : ''}`,
  tallyApprovals: () => 'count the approvals that hold',
  sign: ({ mode }) => SIGNING[mode],
  broadcast: () => 'send the bytes that were committed last',
  confirm: () => 'follow the nonce until the chain has ruled',
  settle: ({ verdict }) => `book what the chain ruled: ${verdict.kind}`,
  closeUnpaid: ({ status, code }) => `end unpaid as ${status}: ${code}`,
  park: ({ code }) => `park for a person: ${code}`,
  escalate: ({ escalation }) => `remind people: reminder ${escalation}`,
  requestCancel: () => 'write down that a person wants no payment',
  markPaid: ({ txHash }) => `ask the chain whether ${txHash} paid it`,
  inspectWallet: ({ walletAddress }) => `look at ${walletAddress}`,
  signFiller: ({ ordinal }) => `sign what pays nothing, to fill a gap: attempt ${ordinal + 1}`,
  sendFiller: () => 'send what fills a gap',
  sweep: () => 'start what was accepted and has no workflow',
  listHotWallets: () => 'list the hot wallets',
  reconcileWallet: ({ walletAddress }) => `hold the chain against the books of ${walletAddress}`,
  watchTreasury: () => 'look what the hot wallets hold and how long it lasts',
  chainAudit: ({ last }) => `link the audit log${last === null ? '' : ` behind entry ${last.position}`}`,
  attemptDelivery: ({ deliveryId, round }) => `send notification ${deliveryId}, round ${round}`,
};

function withSummary<Step extends { activityType: string; args: unknown[]; options: object }>(step: Step): Step {
  const summarize = SUMMARIES[step.activityType as keyof Summaries] as (input: unknown) => string;
  return { ...step, options: { ...step.options, summary: summarize(step.args[0]) } };
}

/**
 * Gives every activity the line that the Web UI and the CLI show beside it in a history. Sealed like any payload, and nothing a replay compares: these sentences
 * may change at any time. `interceptors` is the name the SDK looks for in a module of `workflowInterceptorModules`.
 */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  outbound: [
    {
      scheduleActivity: (step, next) => next(withSummary(step)),
      scheduleLocalActivity: (step, next) => next(withSummary(step)),
    },
  ],
});
