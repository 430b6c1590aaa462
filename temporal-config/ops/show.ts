import { oneWithdrawal, readArguments } from './arguments.ts';
import type { OpsCommand, OpsContext } from './command.ts';
import { runStatusOf } from './executions.ts';
import { OpsError } from './ops-error.ts';

interface Description {
  workflowExecutionInfo: { status: string; startTime: string; closeTime?: string; historyLength: string; execution: { runId: string } };
  pendingActivities?: { activityType: { name: string }; state: string; attempt?: number; lastFailure?: { message?: string }; scheduledTime?: string }[];
}

/** What of `GET /admin/transactions/:id` is shown. */
interface Detail {
  status: string;
  outcome: string;
  amount: string;
  currency: string;
  toAddress: string;
  txHash: string | null;
  errorCode: string | null;
  errorMessage: string | null;
  attempts: { hash: string; nonce: number; status: string; purpose: string }[];
  timeline: { at: string; type: string; status: string | null; detail: object }[];
}

export const show: OpsCommand = {
  name: 'show',
  summary: 'one withdrawal: its run in Temporal, status, attempts and timeline',
  help: `show <requestId> [--json]

The run comes from Temporal. Status, attempts and timeline come from the database, by the API: whoever asks needs an account
that may read (see "npm run ops -- --help"). Where the API cannot be asked, what Temporal knows is shown all the same, and the exit code is 3.`,

  async run(args, context) {
    const { values, positionals } = readArguments(args, { json: { type: 'boolean' } });
    const { requestId, workflowId } = oneWithdrawal(positionals);
    const run = await context.temporal.json<Description>(['workflow', 'describe', '--workflow-id', workflowId]).catch((error: unknown) => {
      // One that Temporal no longer keeps, or does not know yet, is still in the database.
      if (error instanceof OpsError && error.kind === 'refused') return null;
      throw error;
    });
    const detail = await context.api().then((api) => api.get<Detail>(`/admin/transactions/${requestId}`)).catch((error: unknown) => error as Error);
    if (values.json) context.print(JSON.stringify({ requestId, run, detail: detail instanceof Error ? null : detail }));
    else print(context, requestId, run, detail);
    if (detail instanceof Error) throw detail;
  },
};

function print({ print: line, table }: OpsContext, requestId: string, run: Description | null, detail: Detail | Error): void {
  line(requestId);
  if (run === null) line('run        none that Temporal keeps');
  else {
    const { status, startTime, closeTime, historyLength, execution } = run.workflowExecutionInfo;
    line(`run        ${runStatusOf(status)}, ${historyLength} events, started ${startTime}${closeTime ? `, ended ${closeTime}` : ''}, run id ${execution.runId}`);
    for (const { activityType, state, attempt = 1, lastFailure } of run.pendingActivities ?? []) {
      line(`doing      ${activityType.name}: ${state.replace('PENDING_ACTIVITY_STATE_', '')}, attempt ${attempt}${lastFailure?.message ? `, last failure: ${lastFailure.message}` : ''}`);
    }
  }
  if (detail instanceof Error) return;
  line(`status     ${detail.status}, outcome ${detail.outcome}${detail.errorCode === null ? '' : `, ${detail.errorCode}: ${detail.errorMessage ?? ''}`}`);
  line(`pays       ${detail.amount} ${detail.currency} to ${detail.toAddress}${detail.txHash === null ? '' : ` by ${detail.txHash}`}`);
  line('');
  table(['attempt', 'nonce', 'purpose', 'status'], detail.attempts.map(({ hash, nonce, purpose, status }) => [hash, String(nonce), purpose, status]));
  line('');
  table(['at', 'what', 'status', 'detail'], detail.timeline.map(({ at, type, status, detail: more }) => [at, type, status ?? '', JSON.stringify(more)]));
}
