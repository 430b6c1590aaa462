import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';

const SealedRequestSchema = Type.Object({
  correlationId: Type.String(),
  network: Type.String(),
  chainId: Type.Integer(),
  currency: Type.String(),
  /** null for the native coin */
  tokenAddress: Type.Union([Type.String({ pattern: '^0x[0-9a-fA-F]{40}$' }), Type.Null()]),
  decimals: Type.Integer({ minimum: 0 }),
  /** base units, decimal */
  amount: Type.String({ pattern: '^[0-9]{1,65}$' }),
  toAddress: Type.String({ pattern: '^0x[0-9a-fA-F]{40}$' }),
  seal: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  /** ISO 8601 */
  createdAt: Type.String({ pattern: '^[0-9]{4}-' }),
  /** SHA-256 of the canonical body, hex */
  bodyHash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
});

const MemoSchema = Type.Object({ ownerId: Type.Integer({ minimum: 1 }), idempotencyKeyHash: Type.String({ pattern: '^[0-9a-f]{64}$' }), sealed: SealedRequestSchema });

/** The request as it was accepted and sealed. */
export type SealedRequest = Static<typeof SealedRequestSchema>;

/**
 * What a withdrawal's workflow carries beside its course: enough to rebuild the rows of a request that the database lost.
 * The seal keeps it honest: the signing service checks it before it signs, so a forged memo is paid to nobody.
 */
export type WithdrawalMemo = Static<typeof MemoSchema>;

/** What starting a workflow takes. */
export interface WithdrawalStart extends WithdrawalMemo {
  requestId: string;
  correlationId: string;
  currency: string;
}

/** The columns of a request and its idempotency key that a start is made of. */
export interface StartColumns extends Omit<SealedRequest, 'amount' | 'createdAt'> {
  requestId: string;
  ownerId: number;
  /** base units */
  amount: bigint;
  createdAt: Date;
  /** SHA-256 of the idempotency key, hex */
  keyHash: string;
}

/** A start as its row says it. */
export function startOf(row: StartColumns): WithdrawalStart {
  const { requestId, ownerId, keyHash, correlationId, network, chainId, currency, tokenAddress, decimals, amount, toAddress, seal, createdAt, bodyHash } = row;
  return {
    requestId,
    correlationId,
    currency,
    ownerId,
    idempotencyKeyHash: keyHash,
    sealed: { correlationId, network, chainId, currency, tokenAddress, decimals, amount: amount.toString(), toAddress, seal, createdAt: createdAt.toISOString(), bodyHash },
  };
}

/** Reads a workflow's memo. Null when it is not one that a row can be rebuilt from. */
export function parseMemo(memo: unknown): WithdrawalMemo | null {
  return Value.Check(MemoSchema, memo) && !Number.isNaN(Date.parse(memo.sealed.createdAt)) ? memo : null;
}
