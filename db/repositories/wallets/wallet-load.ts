import { and, eq, inArray, isNull, ne, or } from 'drizzle-orm';
import type { Address } from '../../../domain/address.ts';
import type { NonceState, WithdrawalStatus } from '../../../domain/status.ts';
import type { Queryable } from '../../client.ts';
import { fundReservations, nonceReservations, withdrawalRequests } from '../../schema/index.ts';

const UNENDED: NonceState[] = ['RESERVED', 'SIGNED', 'VOIDING'];
/** Next in line for a nonce. Who waits for approval or is parked may wait for days. */
const SIGNED_NEXT: WithdrawalStatus[] = ['PENDING', 'AWAITING_FUNDS', 'SIGNING'];

/**
 * How much of a wallet's in-flight window is taken: nonces held and not seen in a block, and withdrawals bound to it that will
 * take one. As the books know it, without asking the chain: a payment counts until its first confirmation was written down.
 * Those that still wait are counted up to `waitingMax`, so that a long queue costs no more than a short one.
 */
export async function countWindowUse(queryable: Queryable, chainId: number, walletAddress: Address, waitingMax: number): Promise<number> {
  const nonces = await queryable
    .select({ id: nonceReservations.id })
    .from(nonceReservations)
    .leftJoin(withdrawalRequests, eq(withdrawalRequests.requestId, nonceReservations.liveRequestId))
    .where(
      and(
        eq(nonceReservations.chainId, chainId),
        eq(nonceReservations.walletAddress, walletAddress),
        inArray(nonceReservations.state, UNENDED),
        or(isNull(withdrawalRequests.status), ne(withdrawalRequests.status, 'CONFIRMING')),
      ),
    );
  const waiting = await queryable
    .select({ requestId: fundReservations.requestId })
    .from(fundReservations)
    .innerJoin(withdrawalRequests, eq(withdrawalRequests.requestId, fundReservations.requestId))
    .leftJoin(nonceReservations, eq(nonceReservations.liveRequestId, fundReservations.requestId))
    .where(
      and(
        eq(fundReservations.chainId, chainId),
        eq(fundReservations.walletAddress, walletAddress),
        eq(fundReservations.state, 'HELD'),
        inArray(withdrawalRequests.status, SIGNED_NEXT),
        isNull(nonceReservations.id),
      ),
    )
    .limit(waitingMax);
  return nonces.length + waiting.length;
}

/** True while a wallet owes something: funds are held out of it, or a nonce of it is not finally settled. */
export async function isBusy(queryable: Queryable, chainId: number, walletAddress: Address): Promise<boolean> {
  const [held] = await queryable
    .select({ requestId: fundReservations.requestId })
    .from(fundReservations)
    .where(and(eq(fundReservations.chainId, chainId), eq(fundReservations.walletAddress, walletAddress), eq(fundReservations.state, 'HELD')))
    .limit(1);
  if (held) return true;
  const [live] = await queryable
    .select({ id: nonceReservations.id })
    .from(nonceReservations)
    .where(and(eq(nonceReservations.chainId, chainId), eq(nonceReservations.walletAddress, walletAddress), inArray(nonceReservations.state, UNENDED)))
    .limit(1);
  return live !== undefined;
}
