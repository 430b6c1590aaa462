import { and, asc, desc, eq, gte, inArray, isNotNull, isNull, lt, type SQL } from 'drizzle-orm';
import type { ErrorClass, ErrorCode } from '../../../domain/errors.ts';
import type { Queryable } from '../../client.ts';
import { deadLetters, nonceReservations, withdrawalRequests } from '../../schema/index.ts';
import type { DeadLetterRow } from './dead-letters.ts';
import type { NonceReservationRow } from '../payments/nonces.ts';
import type { WithdrawalRow } from '../withdrawals/withdrawals.ts';

/** Which letters; everything given must hold. */
export interface DeadLetterFilter {
  class?: ErrorClass | undefined;
  code?: ErrorCode | undefined;
  currency?: string | undefined;
  /** parked at or after */
  from?: Date | undefined;
  /** parked before */
  to?: Date | undefined;
  requestIds?: readonly string[] | undefined;
}

/** A letter, its withdrawal, and the nonce that withdrawal holds, if any. */
export interface FoundDeadLetter {
  letter: DeadLetterRow;
  request: WithdrawalRow;
  nonce: NonceReservationRow | null;
}

/** A page of letters, newest first; `next` is the id it ended at, null on the last page. */
export async function pageDeadLetters(queryable: Queryable, page: { filter: DeadLetterFilter; open: boolean; after?: number | undefined; limit: number }): Promise<{ found: FoundDeadLetter[]; next: number | null }> {
  const { resolvedAt, id } = deadLetters;
  const found = await lettersWhere(queryable, and(page.open ? isNull(resolvedAt) : isNotNull(resolvedAt), matching(page.filter), page.after === undefined ? undefined : lt(id, page.after)))
    .orderBy(desc(id))
    .limit(page.limit + 1);
  const last = found.length > page.limit ? found[page.limit - 1] : undefined;
  return { found: found.slice(0, page.limit), next: last?.letter.id ?? null };
}

/** Those that wait, longest first. */
export async function listOpenDeadLetters(queryable: Queryable, filter: DeadLetterFilter, limit: number): Promise<FoundDeadLetter[]> {
  return lettersWhere(queryable, and(isNull(deadLetters.resolvedAt), matching(filter)))
    .orderBy(asc(deadLetters.id))
    .limit(limit);
}

function lettersWhere(queryable: Queryable, condition: SQL | undefined) {
  return queryable
    .select({ letter: deadLetters, request: withdrawalRequests, nonce: nonceReservations })
    .from(deadLetters)
    .innerJoin(withdrawalRequests, eq(withdrawalRequests.requestId, deadLetters.requestId))
    .leftJoin(nonceReservations, eq(nonceReservations.liveRequestId, deadLetters.requestId))
    .where(condition)
    .$dynamic();
}

function matching({ class: errorClass, code, currency, from, to, requestIds }: DeadLetterFilter): SQL | undefined {
  return and(
    errorClass === undefined ? undefined : eq(deadLetters.class, errorClass),
    code === undefined ? undefined : eq(deadLetters.code, code),
    currency === undefined ? undefined : eq(deadLetters.currency, currency),
    from === undefined ? undefined : gte(deadLetters.parkedAt, from),
    to === undefined ? undefined : lt(deadLetters.parkedAt, to),
    requestIds === undefined ? undefined : inArray(deadLetters.requestId, [...requestIds]),
  );
}
