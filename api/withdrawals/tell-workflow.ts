import type { Client } from '@temporalio/client';
import type { Database } from '../../db/client.ts';
import { getStarts } from '../../db/repositories/withdrawals/starts.ts';
import { EngineError } from '../../domain/errors.ts';
import { signalWithdrawal, type WithdrawalSignal } from '../../temporal-config/start-withdrawal.ts';

/** A caller waits for the answer: longer than Temporal takes when it is well. */
const TELL_TIMEOUT_MS = 3_000;

/**
 * Tells a withdrawal's workflow what a person says of it, and starts the workflow if it is gone. When it returns, Temporal has
 * the word and will deliver it. Throws `SERVICE_UNAVAILABLE` when Temporal does not answer in time: the word may or may not
 * have arrived, and saying it again is safe. Throws `BOOKS_BEHIND` when the workflow had completed although the withdrawal has
 * not ended, and `INVALID_STATE` when it has ended meanwhile.
 */
export async function tellWorkflow(deps: { temporal: Client; database: Database }, requestId: string, signal: WithdrawalSignal): Promise<void> {
  const [start] = await getStarts(deps.database, [requestId]);
  if (!start) throw new EngineError('INVALID_STATE', { reason: 'ended' });
  let told: 'told' | 'closed';
  try {
    told = await deps.temporal.withDeadline(Date.now() + TELL_TIMEOUT_MS, () => signalWithdrawal(deps.temporal, start, signal));
  } catch (error) {
    throw new EngineError('SERVICE_UNAVAILABLE', { reason: 'temporal-away' }, { cause: error });
  }
  if (told === 'closed') throw new EngineError('BOOKS_BEHIND', { requestId });
}
