import type { FoundWithdrawal } from '../../db/repositories/withdrawals/search-withdrawals.ts';
import type { AdminTransactionView } from '../schemas/admin-transaction.ts';
import { withdrawalView, type ViewContext } from './view.ts';

type OperatorFields = Pick<AdminTransactionView, 'ownerId' | 'signer' | 'nonce' | 'attemptCount' | 'errorDetail'>;

/** What an operator sees of a withdrawal that its owner does not. */
export function operatorFieldsOf({ row, nonce, attemptCount }: FoundWithdrawal): OperatorFields {
  return { ownerId: row.ownerId, signer: row.walletAddress, nonce, attemptCount, errorDetail: row.errorMessage };
}

export function adminTransactionView(found: FoundWithdrawal, context: ViewContext): AdminTransactionView {
  return { ...withdrawalView(found.row, context), ...operatorFieldsOf(found) };
}
