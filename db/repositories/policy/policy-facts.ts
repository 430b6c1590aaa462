import { and, asc, eq, lt, ne } from 'drizzle-orm';
import type { PolicyFacts } from '../../../domain/policy.ts';
import type { Queryable } from '../../client.ts';
import { withdrawalRequests } from '../../schema/index.ts';
import { readListing } from './listed-addresses.ts';
import { findUserById } from '../accounts/users.ts';
import type { WithdrawalRow } from '../withdrawals/withdrawals.ts';

/** A withdrawal, accepted or only thought of, as far as the policy asks about it. */
export type PolicySubject = Pick<WithdrawalRow, 'ownerId' | 'network' | 'currency' | 'decimals' | 'amount' | 'toAddress'> & Partial<Pick<WithdrawalRow, 'requestId' | 'createdAt'>>;
/** What is known without looking at limits or wallets. */
export type StandingFacts = Omit<PolicyFacts, 'usage' | 'walletBalance'> & { knownForMs: number };

/** What the policy may ask of a withdrawal that no lock protects. */
export async function readStandingFacts(queryable: Queryable, subject: PolicySubject, now: Date): Promise<StandingFacts> {
  const { network, currency, decimals, amount, ownerId } = subject;
  const listing = await readListing(queryable, subject);
  const known = [listing.allowedSince, await firstAskedFor(queryable, subject, now), now].filter((at) => at !== null);
  const knownForMs = now.getTime() - Math.min(...known.map((at) => at.getTime()));
  const client = (await findUserById(queryable, ownerId))?.email ?? '';
  return { network, currency, decimals, amount, client, destination: listing.destination, knownForMs };
}

/** When the client first asked for this recipient, before this very withdrawal: by waiting it does not make its own recipient known. */
async function firstAskedFor(queryable: Queryable, { requestId, ownerId, toAddress, createdAt }: PolicySubject, now: Date): Promise<Date | null> {
  const [first] = await queryable
    .select({ at: withdrawalRequests.createdAt })
    .from(withdrawalRequests)
    .where(
      and(
        eq(withdrawalRequests.ownerId, ownerId),
        eq(withdrawalRequests.toAddress, toAddress),
        lt(withdrawalRequests.createdAt, createdAt ?? now),
        requestId === undefined ? undefined : ne(withdrawalRequests.requestId, requestId),
      ),
    )
    // Along the recipient's index, no further than the first.
    .orderBy(asc(withdrawalRequests.createdAt), asc(withdrawalRequests.requestId))
    .limit(1);
  return first?.at ?? null;
}
