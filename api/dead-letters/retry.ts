import type { Client } from '@temporalio/client';
import type { Database } from '../../db/client.ts';
import { findOpenDeadLetter, noteRetry } from '../../db/repositories/operations/dead-letters.ts';
import { findWithdrawal } from '../../db/repositories/withdrawals/read-withdrawals.ts';
import type { WithdrawalRow } from '../../db/repositories/withdrawals/withdrawals.ts';
import { whyNot } from '../../domain/dead-letters.ts';
import { EngineError } from '../../domain/errors.ts';
import { RETRY_SIGNAL } from '../../workflows/message-names.ts';
import { tellWorkflow } from '../withdrawals/tell-workflow.ts';

/**
 * Answers the dead letter a withdrawal waits by with "retry". The word names that letter, so it counts once however often and
 * however late it arrives, and is kept while a voiding transaction is still waited for. Called twice: told twice, taken up once.
 * Dies after telling: the withdrawal is taken up, only the note is missing.
 *
 * Throws `NOT_FOUND`, `INVALID_STATE` with the reason, and what `tellWorkflow` throws: nothing is lost then, it waits on.
 * @returns the withdrawal as it stood
 */
export async function retryDeadLetter(deps: { temporal: Client; database: Database }, requestId: string, accountId: number): Promise<WithdrawalRow> {
  const letter = await findOpenDeadLetter(deps.database, requestId);
  // After the letter: one that was taken up in between is no longer parked here.
  const row = await findWithdrawal(deps.database, requestId, 'all');
  if (!row) throw new EngineError('NOT_FOUND', { requestId });
  const reason = whyNot('retry', row);
  if (reason !== null) throw new EngineError('INVALID_STATE', { reason, status: row.status });
  // Without a letter it was parked before there were any, or in this very moment: the word is for whatever it waits by.
  await tellWorkflow(deps, requestId, { name: RETRY_SIGNAL, args: letter ? [letter.id] : [] });
  if (letter) await noteRetry(deps.database, letter, accountId);
  return row;
}
