import type { Client } from '@temporalio/client';
import type { FastifyBaseLogger } from 'fastify';
import type { Database } from '../../db/client.ts';
import { recordWord, takeBackWord, type Word } from '../../db/repositories/policy/record-approval.ts';
import { EngineError } from '../../domain/errors.ts';
import { tellApproval } from './tell-approval.ts';

export interface DecideDependencies {
  database: Database;
  /** may be unreachable: the sweeper then tells the workflow */
  temporal: Client;
  sealKey: Uint8Array;
}

/**
 * Takes a person's word on a withdrawal: commits it, sealed, then tells the workflow. Throws `NOT_FOUND`, and
 * `INVALID_STATE` with the reason why it is not taken. Called twice with the same word: the first stands. Dies after the
 * commit: the word stands, and the sweeper tells the workflow.
 */
export async function decide(deps: DecideDependencies, word: Word, logger: FastifyBaseLogger): Promise<void> {
  const { requestId, approverId, decision } = word;
  const recorded = await recordWord(deps.database, deps.sealKey, word);
  if (recorded.kind === 'not-found') throw new EngineError('NOT_FOUND', { requestId });
  if (recorded.kind === 'refused') throw new EngineError('INVALID_STATE', { reason: recorded.reason, status: recorded.status });
  const { approval, isNew } = recorded;
  if (isNew) logger.info({ requestId, accountId: approverId, approvalId: approval.id, decision, reason: word.reason }, 'a person decided on a withdrawal');
  if (approval.toldAt !== null) return;

  const told = await tellApproval(deps, approval, logger);
  if (told !== 'refused') return;
  if (await takeBackWord(deps.database, approval)) {
    logger.info({ requestId, accountId: approverId, approvalId: approval.id }, 'the decision came too late and was taken back');
    throw new EngineError('INVALID_STATE', { reason: 'deadline-passed' });
  }
}
