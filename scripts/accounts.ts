import { parseArgs } from 'node:util';
import { openDatabase } from '../db/client.ts';
import { isDatabaseUnavailable } from '../db/connection-lost.ts';
import { isEmail, normaliseEmail } from '../domain/email.ts';
import { createAdminCommand, listCommand, resetPasswordCommand, resetSecondFactorCommand, type AccountsContext } from './accounts/commands.ts';
import { accountsDatabaseUrl } from './accounts/config.ts';
import { passwordFrom, promptForPassword } from './accounts/read-password.ts';
import { EXIT, UsageError } from './command-line/exit-codes.ts';
import { oneLine } from './command-line/user-error.ts';

const COMMANDS = ['list', 'create-admin', 'reset-password', 'reset-second-factor'] as const;

const HELP = `Usage: npm run accounts -- <command>

  create-admin --email ADDRESS     opens the first ADMIN account; more are opened over HTTP (POST /admin/users)
      [--password-stdin]
      [--force --reason TEXT]      also where there is an active ADMIN already: say why
  list [--all]                     the accounts that are not plain USERs, or all of them
  reset-password --email ADDRESS   sets a password, ends the account's sessions; it must be changed at the next sign-in
      [--password-stdin]
  reset-second-factor --email ADDRESS --reason TEXT
                                   takes a lost second factor away and ends the account's sessions; the next sign-in sets up
                                   another by the password alone, so make sure first who asks. While another ADMIN is there,
                                   they do it over HTTP (POST /admin/users/:id/second-factor/reset)

The password is asked for twice at the terminal, or read from standard input with --password-stdin:
  npm run --silent accounts -- create-admin --email ADDRESS --password-stdin < file
It is never an argument: other users of the machine see those. 12 to 128 characters of any kind.

Variables: DATABASE_URL; without it the sandbox of this checkout is meant, and must be running.

Ends with 0 if all went well; 1 if the command was refused; 2 on wrong arguments, variables or passwords; 3 if the database
cannot be reached.
`;

async function main(args: string[]): Promise<number> {
  if (args.length === 0 || args.includes('--help') || args.includes('-h')) {
    process.stdout.write(HELP);
    return args.length === 0 ? EXIT.usage : EXIT.ok;
  }
  const { run, passwordStdin } = commandOf(args);
  const database = openDatabase(accountsDatabaseUrl(process.env), { connectionsMax: 1 });
  try {
    return await run({ db: database.db, print: (line) => process.stdout.write(`${line}\n`), readPassword: () => readPassword(passwordStdin) });
  } finally {
    await database.close();
  }
}

/** Reads the arguments before anything is opened. They are not quoted in what is said: one of them may be a password. */
function commandOf(args: string[]): { run: (context: AccountsContext) => Promise<number>; passwordStdin: boolean } {
  const { values, positionals } = parsed(args);
  const command = COMMANDS.find((name) => name === positionals[0]);
  if (!command || positionals.length > 1) throw new UsageError(`there are the commands ${COMMANDS.join(', ')}, and no arguments without a name (see --help)`);
  const { email, force, reason = '', all } = values;
  const passwordStdin = values['password-stdin'];
  if (command === 'reset-second-factor') {
    const address = normaliseEmail(email ?? '');
    if (!isEmail(address) || reason.trim() === '' || force || all || passwordStdin) throw new UsageError('reset-second-factor takes --email with an e-mail address and --reason TEXT');
    return { run: (context) => resetSecondFactorCommand(context, address, reason.trim()), passwordStdin };
  }
  if (force !== (reason.trim() !== '') || (force && command !== 'create-admin')) throw new UsageError('--force and --reason TEXT go together, with create-admin');
  if (command === 'list') {
    if (email !== undefined || passwordStdin) throw new UsageError('list takes --all and nothing else');
    return { run: (context) => listCommand(context, { all }), passwordStdin };
  }
  const address = normaliseEmail(email ?? '');
  if (!isEmail(address) || all) throw new UsageError(`${command} takes --email with an e-mail address`);
  return { run: (context) => (command === 'create-admin' ? createAdminCommand(context, address, force ? reason.trim() : null) : resetPasswordCommand(context, address)), passwordStdin };
}

function parsed(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: { email: { type: 'string' }, 'password-stdin': { type: 'boolean', default: false }, force: { type: 'boolean', default: false }, reason: { type: 'string' }, all: { type: 'boolean', default: false } },
    });
  } catch (error) {
    throw new UsageError('wrong arguments (see --help); a password that was typed on a command line must be taken for disclosed', { cause: error });
  }
}

async function readPassword(fromStdin: boolean): Promise<string> {
  if (fromStdin) return passwordFrom(process.stdin);
  if (!process.stdin.isTTY) throw new UsageError('there is no terminal to ask for the password: give it by --password-stdin');
  return promptForPassword(process.stdin, process.stderr);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  return isDatabaseUnavailable(error) ? EXIT.unavailable : EXIT.failed;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`accounts: ${isDatabaseUnavailable(error) ? 'the database cannot be reached' : oneLine(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
