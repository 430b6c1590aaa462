import { parseArgs, type ParseArgsConfig } from 'node:util';
import { isRequestId, requestIdOf, workflowIdOf } from '../../domain/request-id.ts';
import { OpsError } from './ops-error.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/** Reads arguments strictly. Throws `OpsError` of the kind `usage`. */
export function readArguments<const T extends Options>(args: string[], options: T) {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new OpsError('usage', `${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)} (see --help)`, { cause: error });
  }
}

/** The one withdrawal a command is about, by its requestId or workflow id. */
export function oneWithdrawal(positionals: readonly string[]): { requestId: string; workflowId: string } {
  const [given = '', ...more] = positionals;
  const requestId = isRequestId(given) ? given : requestIdOf(given);
  if (more.length > 0 || !isRequestId(requestId) || (given !== requestId && given !== workflowIdOf(requestId))) {
    throw new OpsError('usage', 'name one withdrawal by its requestId (tx-…): see --help');
  }
  return { requestId, workflowId: workflowIdOf(requestId) };
}

/** A whole number from 1 to `maximum`. */
export function countOf(name: string, text: string, maximum: number): number {
  const count = /^[1-9][0-9]{0,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count <= maximum)) throw new OpsError('usage', `--${name} takes a whole number from 1 to ${maximum}`);
  return count;
}
