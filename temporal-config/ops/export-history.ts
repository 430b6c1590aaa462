import { writeFileSync } from 'node:fs';
import { oneWithdrawal, readArguments } from './arguments.ts';
import type { OpsCommand } from './command.ts';

export const exportHistory: OpsCommand = {
  name: 'export',
  summary: 'writes the history of a withdrawal to a file, for replay',
  help: `export <requestId> [--run-id ID] [--to FILE]

Writes the history as JSON: the newest run unless another is named, to <requestId>.json in this directory unless told otherwise ("-" for
standard output). Payloads stay as the server keeps them: sealed, where the payload codec is on. The file holds what the
history holds; treat it as such.`,

  async run(args, { temporal, print }) {
    const { values, positionals } = readArguments(args, { 'run-id': { type: 'string' }, to: { type: 'string' } });
    const { requestId, workflowId } = oneWithdrawal(positionals);
    const run = values['run-id'] === undefined ? [] : ['--run-id', values['run-id']];
    const history = await temporal.json<{ events: unknown[] }>(['workflow', 'show', '--workflow-id', workflowId, ...run]);
    const text = JSON.stringify(history);
    if (values.to === '-') {
      print(text);
      return;
    }
    const file = values.to ?? `${requestId}.json`;
    writeFileSync(file, `${text}\n`, { mode: 0o600 });
    print(`${history.events.length} events of ${requestId} in ${file}; "replay ${file}" holds them against today's code`);
  },
};
