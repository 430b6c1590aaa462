import type { Database } from '../../db/client.ts';
import { listAttemptsOf } from '../../db/repositories/withdrawals/read-withdrawals.ts';
import type { WithdrawalRow } from '../../db/repositories/withdrawals/withdrawals.ts';
import { outcomeOf } from '../../domain/status.ts';
import type { WithdrawalView } from '../schemas/withdrawal.ts';
import { withdrawalView, type ViewContext } from './view.ts';

/** Several withdrawals as a caller sees them; what is known of open outcomes is read for all of them at once. */
export async function withdrawalViews(database: Database, rows: readonly WithdrawalRow[], context: ViewContext): Promise<WithdrawalView[]> {
  const unknown = rows.filter(({ status, hasLivePayment }) => outcomeOf(status, hasLivePayment) === 'UNKNOWN');
  const attempts = Map.groupBy(await listAttemptsOf(database, unknown.map(({ requestId }) => requestId)), ({ requestId }) => requestId);
  return rows.map((row) => withdrawalView(row, context, attempts.get(row.requestId) ?? []));
}

/** One withdrawal, without its attempts and timeline. */
export async function oneWithdrawalView(database: Database, row: WithdrawalRow, context: ViewContext): Promise<WithdrawalView> {
  const [view] = await withdrawalViews(database, [row], context);
  if (!view) throw new Error('a withdrawal without a view');
  return view;
}
