import type { DataConverter } from '@temporalio/common';
import type { TemporalCli } from './temporal-cli.ts';
import type { OperatorApi } from './operator-api.ts';

/** What every operators' command works with. */
export interface OpsContext {
  readonly temporal: TemporalCli;
  /** signs in when it is first asked for; throws `OpsError` where nobody can */
  readonly api: () => Promise<OperatorApi>;
  /** opens sealed payloads; throws `OpsError` without the keys */
  readonly payloads: () => DataConverter;
  readonly print: (line: string) => void;
  /** prints a header and rows, in columns */
  readonly table: (header: readonly string[], rows: readonly (readonly string[])[]) => void;
  /** reads one line that a person types after the prompt; empty when they close the terminal, null where nobody is there to type */
  readonly ask: (prompt: string) => Promise<string | null>;
}

/** One operators' command: what it is called, how it is used, and what it does. */
export interface OpsCommand {
  readonly name: string;
  /** one line, for the list of commands */
  readonly summary: string;
  /** the whole text of `--help`, without the usage line's `npm run ops --` */
  readonly help: string;
  /** Resolves when it is done; throws `OpsError` with one line that says what is wrong and what to do. */
  run(args: string[], context: OpsContext): Promise<void>;
}
