import { RpcAnswerError } from '../../activities/chain/rpc.ts';
import { isDatabaseUnavailable } from '../../db/connection-lost.ts';
import { EngineError } from '../../domain/errors.ts';
import { UsageError } from '../command-line/exit-codes.ts';
import { oneLine } from '../command-line/user-error.ts';

/** How a command that failed ends: 2 for what the person typed, 3 where database or chain did not answer, 1 for the rest. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return 2;
  if (error instanceof EngineError) return error.code === 'CHAIN_UNAVAILABLE' ? 3 : 2;
  return error instanceof RpcAnswerError || isDatabaseUnavailable(error) ? 3 : 1;
}

/** One line, without the text of the query a database client quotes. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error && error.message.startsWith('Failed query') && error.cause !== undefined) return `the database: ${reasonOf(error.cause)}`;
  return oneLine(error);
}
