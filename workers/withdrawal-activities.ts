import type { Client } from '@temporalio/client';
import { makeChainAudit } from '../activities/chain-audit.ts';
import { makeCloseUnpaid } from '../activities/close-unpaid.ts';
import { makeEscalate } from '../activities/escalate.ts';
import { makeInspectWallet } from '../activities/guardian/inspect-wallet.ts';
import { haltUndoneFinality } from '../activities/halt-undone-finality.ts';
import type { WithdrawalActivities } from '../activities/index.ts';
import { makeMarkPaid } from '../activities/mark-paid.ts';
import { makePark } from '../activities/park.ts';
import { makeListHotWallets, makeReconcileWallet } from '../activities/reconcile/reconcile-wallet.ts';
import { makeRequestCancel } from '../activities/request-cancel.ts';
import { makeReserveFunds } from '../activities/reserve-funds.ts';
import { makeSettle } from '../activities/settle.ts';
import { makeSweep } from '../activities/sweep.ts';
import { makeTallyApprovals } from '../activities/tally-approvals.ts';
import { makeWatchTreasury } from '../activities/treasury/watch-treasury.ts';
import { createBooksCheck } from '../db/books-check.ts';
import { listWallets } from '../db/repositories/wallets/wallets.ts';
import { workflowIdOf } from '../domain/request-id.ts';
import { startGuardian } from '../temporal-config/start-guardian.ts';
import { listStopped, startWithdrawal } from '../temporal-config/start-withdrawal.ts';
import { listRunning, listStartedSince } from '../temporal-config/withdrawal-executions.ts';
import { APPROVE_MESSAGE, CANCEL_SIGNAL, REJECT_MESSAGE } from '../workflows/message-names.ts';
import type { Ports } from './ports.ts';

/** What the `withdrawals` queue serves. `guardians: false` leaves the wallets unguarded: for tests that count calls. */
export function withdrawalActivities(ports: Omit<Ports, 'close'>, client: Client, options: { guardians?: boolean } = {}): WithdrawalActivities {
  const { guardians = true } = options;
  return {
    reserveFunds: makeReserveFunds(ports),
    settle: makeSettle(ports),
    closeUnpaid: makeCloseUnpaid(ports),
    park: makePark(ports),
    markPaid: makeMarkPaid(ports),
    tallyApprovals: makeTallyApprovals(ports),
    escalate: makeEscalate(ports),
    requestCancel: makeRequestCancel(ports),
    listHotWallets: makeListHotWallets(ports),
    reconcileWallet: makeReconcileWallet(ports),
    inspectWallet: makeInspectWallet({ ...ports, findUndone: (_, chainId, wallet) => haltUndoneFinality(ports, chainId, wallet) }),
    watchTreasury: makeWatchTreasury(ports),
    chainAudit: makeChainAudit(ports),
    sweep: makeSweep({
      ...ports,
      startWithdrawal: (start) => startWithdrawal(client, start),
      listStopped: () => listStopped(client),
      listRunning: (requestIds) => listRunning(client, requestIds),
      checkBooks: createBooksCheck({ db: ports.db, chainId: ports.rpc.chainId, setBy: 'withdrawal-worker', listStartedSince: (since, limit) => listStartedSince(client, since, limit), log: ports.log }),
      ensureGuardians: async () => (guardians ? startGuardians(ports, client) : undefined),
      signalCancel: (requestId) => client.workflow.getHandle(workflowIdOf(requestId)).signal(CANCEL_SIGNAL),
      signalApproval: ({ id, requestId, decision }) => client.workflow.getHandle(workflowIdOf(requestId)).signal(decision === 'APPROVE' ? APPROVE_MESSAGE : REJECT_MESSAGE, id),
    }),
  };
}

/** Starts the guardian of every hot wallet of the chain, whatever the wallet's status. Called twice: nothing changes. */
export async function startGuardians({ db, settings }: Pick<Ports, 'db' | 'settings'>, client: Client): Promise<void> {
  const { chainId } = settings.chain;
  for (const { address } of await listWallets(db, chainId)) await startGuardian(client, { chainId, walletAddress: address });
}
