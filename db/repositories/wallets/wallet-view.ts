import { and, asc, eq, gt } from 'drizzle-orm';
import type { Address } from '../../../domain/address.ts';
import { gapsOf } from '../../../domain/nonce-gaps.ts';
import type { Queryable } from '../../client.ts';
import { wallets } from '../../schema/index.ts';
import { listOpenAlertsOfWallet, type AlertRow } from '../operations/alerts.ts';
import { countHeld } from '../payments/funds.ts';
import { listOpenNonces } from '../payments/nonce-view.ts';
import { countWindowUse, isBusy } from './wallet-load.ts';
import { listObservations, NATIVE, sumReserved, type WalletObservation } from './wallet-observations.ts';
import type { WalletRow } from './wallets.ts';

/** More than a wallet's window: further back everything is consumed, however old the last look is. */
const NONCES_SHOWN_MAX = 2_000;

/** A hot wallet with everything the books know of it. */
export interface WalletDetails {
  wallet: WalletRow;
  /** amounts in base units; `reserved` as of now, against a balance of the last look */
  balances: { observation: WalletObservation; reserved: bigint }[];
  /** the coin's observation: counts, block and time of the last look; null before the first */
  seen: WalletObservation | null;
  /** unmined nonces below the next that nobody holds; empty before the first look */
  gaps: number[];
  windowUsed: number;
  reservations: number;
  /** it drains, and owes nothing any more */
  drained: boolean;
  alerts: AlertRow[];
}

/** Wallets of a chain by address, after one where given. `next` is the last of a page that another follows. */
export async function pageWallets(queryable: Queryable, page: { chainId: number; after?: string | undefined; limit: number }): Promise<{ rows: WalletRow[]; next: string | null }> {
  const found = await queryable
    .select()
    .from(wallets)
    .where(and(eq(wallets.chainId, page.chainId), page.after === undefined ? undefined : gt(wallets.address, page.after as Address)))
    .orderBy(asc(wallets.address))
    .limit(page.limit + 1);
  const rows = found.slice(0, page.limit);
  return { rows, next: found.length > page.limit ? (rows.at(-1)?.address ?? null) : null };
}

/** Reads a wallet's details. For people: the parts are read one after another, and decide nothing. */
export async function readWalletDetails(queryable: Queryable, wallet: WalletRow, window: number): Promise<WalletDetails> {
  const { chainId } = wallet;
  const address = wallet.address as Address;
  const observations = await listObservations(queryable, chainId, [address]);
  const seen = observations.find(({ asset }) => asset === NATIVE) ?? null;
  // Without a look there is no block to count from: everything ever settled would be added up for nothing.
  const reserved = seen === null ? new Map<string, bigint>() : await sumReserved(queryable, chainId, address, seen.blockNumber);
  const next = wallet.nextNonce ?? 0;
  const latest = Math.max(seen?.latestNonce ?? next, next - NONCES_SHOWN_MAX);
  return {
    wallet,
    balances: observations.map((observation) => ({ observation, reserved: reserved.get(observation.asset) ?? 0n })),
    seen,
    gaps: gapsOf(await listOpenNonces(queryable, chainId, address, latest), latest, next),
    windowUsed: await countWindowUse(queryable, chainId, address, window),
    reservations: await countHeld(queryable, chainId, address),
    drained: wallet.status === 'DRAINING' && !(await isBusy(queryable, chainId, address)),
    alerts: await listOpenAlertsOfWallet(queryable, address),
  };
}
