import { decodeFromPayloadsAtIndex } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { Client } from '@temporalio/client';
import type { FundsResult, SignResult } from '../../activities/index.ts';
import { END_STATUSES, type EndStatus } from '../../domain/status.ts';
import { workflowIdOf } from '../../domain/request-id.ts';
import type { WithdrawalExecution } from '../../temporal-config/withdrawal-executions.ts';
import { CANCEL_SIGNAL } from '../../workflows/message-names.ts';

/** What the histories of a withdrawal's runs say of its money. */
export interface WithdrawalHistory {
  /** every hash the signer ever answered with, in that order, each once */
  signed: { txHash: `0x${string}`; nonce: number }[];
  /** the wallet that funds were last held on */
  walletAddress: string | null;
  /** the runs that went on after funds were held */
  heldFunds: Set<string>;
  cancelAsked: boolean;
  /** what the newest run returned; null when it runs, or did not complete */
  result: EndStatus | null;
}

/**
 * Reads the histories of all runs of a withdrawal, oldest first. Only results that were recorded count: bytes whose signer
 * died before its answer were committed to the lost database and sent by nobody.
 */
export async function readHistory(client: Client, requestId: string, runs: readonly WithdrawalExecution[]): Promise<WithdrawalHistory> {
  const history: WithdrawalHistory = { signed: [], walletAddress: null, heldFunds: new Set(), cancelAsked: false, result: null };
  for (const run of runs.toSorted((left, right) => left.startedAt.getTime() - right.startedAt.getTime())) {
    const activityOf = new Map<string, string>();
    history.result = null;
    const { events } = await client.workflow.getHandle(workflowIdOf(requestId), run.runId).fetchHistory();
    for (const event of events ?? []) {
      const scheduled = event.activityTaskScheduledEventAttributes;
      const completed = event.activityTaskCompletedEventAttributes;
      const ended = event.workflowExecutionCompletedEventAttributes;
      if (scheduled) activityOf.set(String(event.eventId), scheduled.activityType?.name ?? '');
      if (completed) {
        const activity = activityOf.get(String(completed.scheduledEventId));
        if (activity === 'sign' || activity === 'reserveFunds') note(history, run.runId, activity, await decode(client, completed.result?.payloads));
      }
      if (event.workflowExecutionSignaledEventAttributes?.signalName === CANCEL_SIGNAL || event.workflowExecutionCancelRequestedEventAttributes) history.cancelAsked = true;
      if (ended) history.result = endOf(await decode(client, ended.result?.payloads));
    }
  }
  return history;
}

type Payloads = Parameters<typeof decodeFromPayloadsAtIndex>[2];

async function decode(client: Client, payloads: Payloads): Promise<unknown> {
  return decodeFromPayloadsAtIndex<unknown>(client.options.loadedDataConverter, 0, payloads);
}

function note(history: WithdrawalHistory, runId: string, activity: 'sign' | 'reserveFunds', result: unknown): void {
  if (activity === 'sign') {
    const signed = result as SignResult;
    if (signed.kind !== 'signed' || history.signed.some(({ txHash }) => txHash === signed.txHash)) return;
    history.signed.push({ txHash: signed.txHash as `0x${string}`, nonce: signed.nonce });
  } else {
    const funds = result as FundsResult;
    if (funds.kind !== 'reserved') return;
    history.walletAddress = funds.walletAddress;
    history.heldFunds.add(runId);
  }
}

function endOf(result: unknown): EndStatus | null {
  return END_STATUSES.find((status) => status === result) ?? null;
}
