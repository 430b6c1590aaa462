import { oneWithdrawal, readArguments } from './arguments.ts';
import type { OpsCommand } from './command.ts';

/**
 * A word to a withdrawal by plain signal, which DESIGN allows for words that are safe whoever says them: what may be done is decided in the
 * database and on chain. Said twice, the second word finds the first one done.
 */
export function signalCommand(command: { name: string; signal: string; summary: string; explanation: string; said: string }): OpsCommand {
  const { name, signal, summary, explanation, said } = command;
  return {
    name,
    summary,
    help: `${name} <requestId>\n\n${explanation}`,

    async run(args, { temporal, print }) {
      const { positionals } = readArguments(args, {});
      const { requestId, workflowId } = oneWithdrawal(positionals);
      await temporal.text(['workflow', 'signal', '--workflow-id', workflowId, '--name', signal]);
      print(`${requestId}: ${said}; see "show ${requestId}"`);
    },
  };
}
