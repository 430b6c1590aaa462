import { openOperatorApi } from '../temporal-config/ops/operator-api.ts';
import { OpsError, type OpsErrorKind } from '../temporal-config/ops/ops-error.ts';
import { temporalCli } from '../temporal-config/ops/temporal-cli.ts';
import { EXIT } from './command-line/exit-codes.ts';
import { OPS_COMMANDS } from './ops/commands.ts';
import { opsConfig } from './ops/config.ts';
import { ask } from './command-line/ask.ts';
import { oneLine } from './command-line/user-error.ts';
import { table } from './command-line/table.ts';

const EXIT_OF: Readonly<Record<OpsErrorKind, number>> = { usage: EXIT.usage, absent: EXIT.failed, refused: EXIT.failed, unavailable: EXIT.unavailable };
const NAME_WIDTH = Math.max(...OPS_COMMANDS.map(({ name }) => name.length));

const HELP = `Usage: npm run ops -- <command> [arguments] [--as admin|approver]

${OPS_COMMANDS.map(({ name, summary }) => `  ${name.padEnd(NAME_WIDTH)}  ${summary}`).join('\n')}

"npm run ops -- <command> --help" explains one.

Temporal is reached by the CLI's own variables: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY (or
TEMPORAL_API_KEY_FILE), TEMPORAL_TLS_…, or TEMPORAL_PROFILE and TEMPORAL_CONFIG_FILE. approve, reject and show ask the API:
API_URL and API_TOKEN, an access token of a session that may (with its second factor shown, where the settings ask for one).
With none of TEMPORAL_ADDRESS, TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE and API_URL set the sandbox of this checkout is meant,
and --as says whose word it is there (admin unless given). TEMPORAL_CLI names another temporal program.

Ends with 0 if all went well; 1 if it was refused; 2 on wrong arguments or variables; 3 if Temporal or the API cannot be
reached.
`;

async function main(args: string[]): Promise<number> {
  const [name, ...given] = args;
  if (name === undefined || name === '--help' || name === '-h') {
    process.stdout.write(HELP);
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  const command = OPS_COMMANDS.find((candidate) => candidate.name === name);
  if (!command) throw new OpsError('usage', `there is no command "${name}"; there are ${OPS_COMMANDS.map((candidate) => candidate.name).join(', ')} (see --help)`);
  if (given.includes('--help') || given.includes('-h')) {
    process.stdout.write(`Usage: npm run ops -- ${command.help}\n`);
    return EXIT.ok;
  }
  const { as, rest } = withoutAs(given);
  const { temporal, api, payloads } = opsConfig(process.env, as);
  await command.run(rest, {
    temporal: temporalCli(temporal),
    api: async () => {
      const { url, operator } = api();
      return openOperatorApi(url, operator);
    },
    payloads,
    print,
    table: (header, rows) => table(header, rows).forEach(print),
    ask,
  });
  return EXIT.ok;
}

/** `--as` belongs to this program, whatever the command. */
function withoutAs(args: readonly string[]): { as: string | undefined; rest: string[] } {
  const at = args.indexOf('--as');
  return at === -1 ? { as: undefined, rest: [...args] } : { as: args[at + 1] ?? '', rest: args.toSpliced(at, 2) };
}

/** What Temporal keeps was not all written by us: nothing of it speaks to the terminal. Escaped as in JSON, of which it changes nothing. */
function print(line: string): void {
  process.stdout.write(`${line.replaceAll(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`ops: ${oneLine(error)}\n`);
  process.exitCode = error instanceof OpsError ? EXIT_OF[error.kind] : EXIT.failed;
}
