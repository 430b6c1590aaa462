import { oneWithdrawal, readArguments } from './arguments.ts';
import type { OpsCommand } from './command.ts';
import { runStatusOf } from './executions.ts';
import { OpsError } from './ops-error.ts';

const POINTS = { first: 'FirstWorkflowTask', last: 'LastWorkflowTask' } as const;

interface Description {
  workflowExecutionInfo: { status: string; historyLength: string; execution: { runId: string } };
}

export const reset: OpsCommand = {
  name: 'reset',
  summary: 'runs a withdrawal again from an earlier point of its history; its signals are not applied again',
  help: `reset <requestId> --reason TEXT [--to first|last|EVENT_ID] [--yes]

  --to    first (unless given): from the beginning; last: from the newest workflow task; or the id of an event that ends one
  --yes   does not ask; without it the requestId is typed once more

Pays nobody twice: every step reads the database first, and what was signed, sent or paid is found there. Signals and updates
are not applied again (--reapply-exclude All): cancellations, approvals and claims are in the database, a retry is said anew.
Refused for a withdrawal whose run has completed: nothing leaves an end status. A terminated one needs no reset, the sweeper
starts it again within seconds; --to still works on it.`,

  async run(args, { temporal, print, ask }) {
    const { values, positionals } = readArguments(args, { reason: { type: 'string', default: '' }, to: { type: 'string', default: 'first' }, yes: { type: 'boolean' } });
    const { requestId, workflowId } = oneWithdrawal(positionals);
    const reason = values.reason.trim();
    if (reason === '') throw new OpsError('usage', 'reset takes --reason: it stands in the history of the new run');
    const point = pointOf(values.to);
    const { status, historyLength, execution } = (await temporal.json<Description>(['workflow', 'describe', '--workflow-id', workflowId])).workflowExecutionInfo;
    if (runStatusOf(status) === 'COMPLETED') throw new OpsError('refused', `${requestId} has ended: nothing leaves an end status. What it paid, or why it did not, is in "show ${requestId}"`);
    if (!values.yes) await confirmed(ask, requestId, `The run of ${requestId} (${runStatusOf(status)}, ${historyLength} events) ends, and one from ${values.to} takes its place.`);
    // The very run that was looked at. Should it complete in this moment it runs again all the same, and finds everything done.
    await temporal.text(['workflow', 'reset', '--workflow-id', workflowId, '--run-id', execution.runId, ...point, '--reapply-exclude', 'All', '--reason', reason]);
    print(`${requestId} runs again from ${values.to}; see "show ${requestId}"`);
  },
};

function pointOf(text: string): string[] {
  if (text === 'first' || text === 'last') return ['--type', POINTS[text]];
  if (/^[1-9][0-9]{0,6}$/.test(text)) return ['--event-id', text];
  throw new OpsError('usage', '--to is first, last, or the id of an event');
}

async function confirmed(ask: (prompt: string) => Promise<string | null>, requestId: string, what: string): Promise<void> {
  const typed = await ask(`${what}\nType the requestId to go on: `);
  if (typed === null) throw new OpsError('usage', 'nobody is there to confirm: give --yes');
  if (typed.trim() !== requestId) throw new OpsError('refused', 'not confirmed: nothing was done');
}
