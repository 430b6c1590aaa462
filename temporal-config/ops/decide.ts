import { oneWithdrawal, readArguments } from './arguments.ts';
import type { OpsCommand, OpsContext } from './command.ts';
import { OpsError } from './ops-error.ts';

const WHY_THE_API = `Goes through the API: what counts is the row it seals, so a signal by the Temporal CLI alone decides nothing. Whoever asked
for the withdrawal does not count. Said twice by one person, it counts once.`;

/** What of the API's answer is said: a person reads what it was that they have decided on. */
interface Decided {
  status: string;
  amount: string;
  currency: string;
  toAddress: string;
}

export const approve: OpsCommand = {
  name: 'approve',
  summary: 'approves a withdrawal that waits for approvals, as the person signed in at the API',
  help: `approve <requestId>\n\n${WHY_THE_API}`,

  async run(args, context) {
    const { positionals } = readArguments(args, {});
    await say(context, oneWithdrawal(positionals).requestId, 'approve', undefined);
  },
};

export const reject: OpsCommand = {
  name: 'reject',
  summary: 'rejects a withdrawal that waits for approvals, as the person signed in at the API',
  help: `reject <requestId> --reason TEXT\n\n${WHY_THE_API} One rejection rejects. The reason\nis for other operators; the owner does not see it.`,

  async run(args, context) {
    const { values, positionals } = readArguments(args, { reason: { type: 'string', default: '' } });
    const { requestId } = oneWithdrawal(positionals);
    const reason = values.reason.trim();
    if (reason === '') throw new OpsError('usage', 'reject takes --reason: say why');
    await say(context, requestId, 'reject', { reason });
  },
};

async function say({ api, print }: OpsContext, requestId: string, decision: 'approve' | 'reject', body: object | undefined): Promise<void> {
  const { status, amount, currency, toAddress } = await (await api()).post<Decided>(`/admin/transactions/${requestId}/${decision}`, body);
  print(`${requestId}: your ${decision === 'approve' ? 'approval' : 'rejection'} of ${amount} ${currency} to ${toAddress} is on record; it is ${status}`);
}
