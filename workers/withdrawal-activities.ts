import type { Client } from '@temporalio/client';
import { makeCloseUnpaid } from '../activities/close-unpaid.ts';
import type { WithdrawalActivities } from '../activities/index.ts';
import { makePark } from '../activities/park.ts';
import { makeRequestCancel } from '../activities/request-cancel.ts';
import { makeReserveFunds } from '../activities/reserve-funds.ts';
import { makeSettle } from '../activities/settle.ts';
import { makeSweep } from '../activities/sweep.ts';
import { createBooksCheck } from '../db/books-check.ts';
import { workflowIdOf } from '../domain/request-id.ts';
import { listStopped, startWithdrawal } from '../temporal-config/start-withdrawal.ts';
import { listRunning, listStartedSince } from '../temporal-config/withdrawal-executions.ts';
import { CANCEL_SIGNAL } from '../workflows/message-names.ts';
import type { Ports } from './ports.ts';

/** What the `withdrawals` queue serves. */
export function withdrawalActivities(ports: Omit<Ports, 'close'>, client: Client): WithdrawalActivities {
  return {
    reserveFunds: makeReserveFunds(ports),
    settle: makeSettle(ports),
    closeUnpaid: makeCloseUnpaid(ports),
    park: makePark(ports),
    requestCancel: makeRequestCancel(ports),
    sweep: makeSweep({
      ...ports,
      startWithdrawal: (start) => startWithdrawal(client, start),
      listStopped: () => listStopped(client),
      listRunning: (requestIds) => listRunning(client, requestIds),
      checkBooks: createBooksCheck({ db: ports.db, chainId: ports.rpc.chainId, setBy: 'withdrawal-worker', listStartedSince: (since, limit) => listStartedSince(client, since, limit), log: ports.log }),
      signalCancel: (requestId) => client.workflow.getHandle(workflowIdOf(requestId)).signal(CANCEL_SIGNAL),
    }),
  };
}
