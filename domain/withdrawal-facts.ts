import { parseAddress } from './address.ts';
import { isErrorCode, mayTryAnew, type ErrorCode } from './errors.ts';
import { formatAmount } from './money.ts';
import { outcomeOf, type WithdrawalStatus } from './status.ts';

/** The columns of a withdrawal that its owner is told of. */
export interface ToldWithdrawal {
  requestId: string;
  status: WithdrawalStatus;
  hasLivePayment: boolean;
  /** base units */
  amount: bigint;
  decimals: number;
  currency: string;
  toAddress: string;
  tokenAddress: string | null;
  network: string;
  txHash: string | null;
  errorCode: string | null;
  createdAt: Date;
  updatedAt: Date;
  completedAt: Date | null;
}

function errorCodeOf(stored: string | null): ErrorCode | null {
  if (stored === null) return null;
  return isErrorCode(stored) ? stored : 'INTERNAL';
}

/** What an owner is told of a withdrawal in any language: token units, EIP-55, ISO 8601. */
export function withdrawalFacts(row: ToldWithdrawal) {
  const outcome = outcomeOf(row.status, row.hasLivePayment);
  const errorCode = errorCodeOf(row.errorCode);
  return {
    requestId: row.requestId,
    status: row.status,
    outcome,
    amount: formatAmount(row.amount, row.decimals),
    currency: row.currency,
    toAddress: parseAddress(row.toAddress),
    tokenAddress: row.tokenAddress === null ? null : parseAddress(row.tokenAddress),
    network: row.network,
    txHash: row.txHash,
    errorCode,
    retryable: mayTryAnew(outcome, errorCode),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    completedAt: row.completedAt?.toISOString() ?? null,
  };
}
