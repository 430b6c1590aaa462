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
that may read (see "npm run ops -- --help"). Where one of the two cannot be asked, what the other knows is shown all the same, and the
exit code says that it is not all (3 where it is away).`,

  async run(args, context) {
    const { values, positionals } = readArguments(args, { json: { type: 'boolean' } });
    const { requestId, workflowId } = oneWithdrawal(positionals);
    const [run, detail] = await Promise.all([
      // One that Temporal no longer keeps, or does not know yet, is still in the database.
      context.temporal.json<Description>(['workflow', 'describe', '--workflow-id', workflowId]).catch((error: unknown) => (error instanceof OpsError && error.kind === 'absent' ? null : (error as Error))),
      context.api().then((api) => api.get<Detail>(`/admin/transactions/${requestId}`)).catch((error: unknown) => error as Error),
    ]);
    if (values.json) context.print(JSON.stringify({ requestId, run: run instanceof Error ? null : run, detail: detail instanceof Error ? null : detail }));
    else print(context, requestId, run, detail);
    if (run instanceof Error) throw run;
    if (detail instanceof Error) throw detail;
  },
};

function print({ print: line, table }: OpsContext, requestId: string, run: Description | Error | null, detail: Detail | Error): void {
  line(requestId);
  if (run === null) line('run        none that Temporal keeps');
  else if (run instanceof Error) line('run        Temporal cannot be asked');
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
