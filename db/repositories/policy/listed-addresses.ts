import { and, desc, eq, inArray, isNull, lt, or } from 'drizzle-orm';
import type { Address } from '../../../domain/address.ts';
import { EngineError } from '../../../domain/errors.ts';
import { listingSealHolds, sealListing } from '../../../domain/listing-seal.ts';
import type { PolicyFacts } from '../../../domain/policy.ts';
import type { Database, Queryable, Transaction } from '../../client.ts';
import { listedAddresses } from '../../schema/index.ts';
import type { ADDRESS_LISTS, LISTING_STATUSES } from '../../schema/listed-addresses.ts';
import { isDuplicateKey, transact } from '../../transact.ts';
import { listDenied, lockDenylist, relinkDenylist } from './denylist-links.ts';

export type ListedAddressRow = typeof listedAddresses.$inferSelect;
export type AddressList = (typeof ADDRESS_LISTS)[number];
export type ListingStatus = (typeof LISTING_STATUSES)[number];

const IN_FORCE = ['LIVE', 'REMOVAL_PROPOSED'] as const;

export interface Listing {
  destination: PolicyFacts['destination'];
  /** since when it is on the allowlist; null when it is not */
  allowedSince: Date | null;
}

/** What the lists in force say of a recipient, for one owner. The denylist outweighs the allowlist. */
export async function readListing(queryable: Queryable, recipient: { network: string; toAddress: string; ownerId: number }): Promise<Listing> {
  const rows = await queryable
    .select()
    .from(listedAddresses)
    .where(
      and(
        eq(listedAddresses.address, recipient.toAddress as Address),
        eq(listedAddresses.network, recipient.network),
        inArray(listedAddresses.status, [...IN_FORCE]),
        or(isNull(listedAddresses.ownerId), eq(listedAddresses.ownerId, recipient.ownerId)),
      ),
    );
  const allowed = rows.filter(({ list }) => list === 'ALLOW').map(({ liveAt, proposedAt }) => (liveAt ?? proposedAt).getTime());
  const allowedSince = allowed.length === 0 ? null : new Date(Math.min(...allowed));
  if (rows.some(({ list }) => list === 'DENY')) return { destination: 'denylisted', allowedSince };
  return { destination: allowedSince === null ? 'unlisted' : 'allowlisted', allowedSince };
}

/** All entries at an address, whoever they are for and whatever became of them. */
export async function listEntries(queryable: Queryable, network: string, address: string): Promise<ListedAddressRow[]> {
  return queryable.select().from(listedAddresses).where(and(eq(listedAddresses.address, address as Address), eq(listedAddresses.network, network)));
}

/** What waits for a second person. */
export type ListingProposal = 'addition' | 'removal';
export type ListingChange =
  | { kind: 'done'; row: ListedAddressRow }
  | { kind: 'not-found' }
  /** `nothing-proposed`: nothing waits, or something else than was decided on */
  | { kind: 'refused'; reason: 'already-listed' | 'own-proposal' | 'nothing-proposed' | 'not-in-force' | 'removal-proposed'; status: ListingStatus };

export type NewListing = Pick<ListedAddressRow, 'list' | 'network' | 'address' | 'ownerId' | 'label' | 'reason' | 'proposedBy'>;

/**
 * Proposes an entry; it is in force only once somebody else has approved it. The unique key lets an address be on a list
 * once for an owner. Called twice by one person before it was decided: the same proposal.
 */
export async function proposeListing(db: Database, sealKey: Uint8Array, entry: NewListing): Promise<Exclude<ListingChange, { kind: 'not-found' }>> {
  const openKey = `${entry.list}:${entry.network}:${entry.address}:${entry.ownerId ?? 'everyone'}`;
  try {
    return await transact(db, async (tx) => {
      const [{ insertId }] = await tx.insert(listedAddresses).values({ ...entry, openKey, status: 'PROPOSED', proposedAt: new Date() });
      return { kind: 'done', row: await setSealed(tx, sealKey, await getListing(tx, insertId), {}) };
    });
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    const [open] = await db.select().from(listedAddresses).where(eq(listedAddresses.openKey, openKey));
    // It was removed in between: as good as proposing anew.
    if (!open) return proposeListing(db, sealKey, entry);
    if (open.status === 'PROPOSED' && open.proposedBy === entry.proposedBy) return { kind: 'done', row: open };
    return { kind: 'refused', reason: 'already-listed', status: open.status };
  }
}

/** Proposes to take an entry off its list; it stays in force until somebody else has approved that. Called twice by one person: the same proposal. */
export async function proposeRemoval(db: Database, sealKey: Uint8Array, id: number, { proposedBy, reason }: { proposedBy: number; reason: string | null }): Promise<ListingChange> {
  return change(db, sealKey, id, (row) => {
    if (row.status === 'REMOVAL_PROPOSED' && row.removalProposedBy === proposedBy) return 'as-before';
    if (row.status !== 'LIVE') return row.status === 'REMOVAL_PROPOSED' ? 'removal-proposed' : 'not-in-force';
    return { status: 'REMOVAL_PROPOSED', removalProposedBy: proposedBy, removalProposedAt: new Date(), removalReason: reason, removalDecidedBy: null, removalDecidedAt: null };
  });
}

/**
 * Approves what waits on an entry: that it comes into force, or that it leaves. Called twice by one person: the same answer.
 * @param proposal what the person means; when something else waits by now, nothing happens
 */
export async function approveListing(db: Database, sealKey: Uint8Array, id: number, { approvedBy, proposal }: { approvedBy: number; proposal?: ListingProposal | undefined }): Promise<ListingChange> {
  return change(db, sealKey, id, (row) => {
    const now = new Date();
    if (row.status === 'PROPOSED' && proposal !== 'removal') {
      return row.proposedBy === approvedBy ? 'own-proposal' : { status: 'LIVE', liveAt: now, decidedBy: approvedBy, decidedAt: now };
    }
    if (row.status === 'REMOVAL_PROPOSED' && proposal !== 'addition') {
      return row.removalProposedBy === approvedBy ? 'own-proposal' : { status: 'REMOVED', openKey: null, removalDecidedBy: approvedBy, removalDecidedAt: now };
    }
    const added = row.decidedBy === approvedBy && row.status !== 'REJECTED' && proposal !== 'removal';
    const removed = row.removalDecidedBy === approvedBy && row.status === 'REMOVED' && proposal !== 'addition';
    return added || removed ? 'as-before' : 'nothing-proposed';
  });
}

/** Turns down what waits on an entry; whoever proposed it may do so too. Called twice by one person: the same answer. */
export async function rejectListing(db: Database, sealKey: Uint8Array, id: number, { rejectedBy, reason, proposal }: { rejectedBy: number; reason: string; proposal?: ListingProposal | undefined }): Promise<ListingChange> {
  return change(db, sealKey, id, (row) => {
    const now = new Date();
    if (row.status === 'PROPOSED' && proposal !== 'removal') return { status: 'REJECTED', openKey: null, decidedBy: rejectedBy, decidedAt: now, decisionReason: reason };
    if (row.status === 'REMOVAL_PROPOSED' && proposal !== 'addition') return { status: 'LIVE', removalDecidedBy: rejectedBy, removalDecidedAt: now, decisionReason: reason };
    const rejected = row.status === 'REJECTED' && row.decidedBy === rejectedBy && proposal !== 'removal';
    const kept = row.status === 'LIVE' && row.removalDecidedBy === rejectedBy && proposal !== 'addition';
    return rejected || kept ? 'as-before' : 'nothing-proposed';
  });
}

type Refusal = Extract<ListingChange, { kind: 'refused' }>['reason'];

/**
 * Decides on an entry while its row is held: of any number at once, one changes it. It is sealed anew, and where it is denied the
 * denylist with it. Throws `SEAL_BROKEN` for an entry that was changed behind the engine's back.
 */
async function change(db: Database, sealKey: Uint8Array, id: number, decide: (row: ListedAddressRow) => Partial<ListedAddressRow> | 'as-before' | Refusal): Promise<ListingChange> {
  return transact(db, async (tx): Promise<ListingChange> => {
    const row = await lockListing(tx, id);
    if (!row) return { kind: 'not-found' };
    const decided = decide(row);
    if (decided === 'as-before') return { kind: 'done', row };
    if (typeof decided === 'string') return { kind: 'refused', reason: decided, status: row.status };
    if (!listingSealHolds(sealKey, row)) throw new EngineError('SEAL_BROKEN', { row: 'listing', listing: String(id) });
    if (row.list === 'DENY') await lockDenylist(tx, row.network);
    const deniedBefore = row.list === 'DENY' ? await listDenied(tx, row.network, row.address) : [];
    const sealed = await setSealed(tx, sealKey, row, decided);
    if (row.list === 'DENY' && (isInForce(row) || isInForce(sealed))) await relinkDenylist(tx, sealKey, row, deniedBefore);
    return { kind: 'done', row: sealed };
  });
}

/** In force: a proposed removal removes nothing yet. */
function isInForce({ status }: Pick<ListedAddressRow, 'status'>): boolean {
  return IN_FORCE.some((inForce) => inForce === status);
}

/** Changes an entry and its seal in one statement. The caller holds its row, and had found the seal it bore before to hold. */
async function setSealed(tx: Transaction, sealKey: Uint8Array, row: ListedAddressRow, changes: Partial<ListedAddressRow>): Promise<ListedAddressRow> {
  const changed = { ...row, ...changes };
  const seal = sealListing(sealKey, changed);
  await tx.update(listedAddresses).set({ ...changes, seal }).where(eq(listedAddresses.id, row.id));
  return { ...changed, seal };
}

async function lockListing(tx: Transaction, id: number): Promise<ListedAddressRow | undefined> {
  const [row] = await tx.select().from(listedAddresses).where(eq(listedAddresses.id, id)).for('update');
  return row;
}

async function getListing(db: Queryable, id: number): Promise<ListedAddressRow> {
  const [row] = await db.select().from(listedAddresses).where(eq(listedAddresses.id, id));
  if (!row) throw new Error(`listed address ${id} is gone`);
  return row;
}

export interface ListingFilter {
  list?: AddressList | undefined;
  status?: ListingStatus | undefined;
  address?: Address | undefined;
  before?: number | undefined;
  limit: number;
}

/** A page of entries, newest first. `next` is the id the next page starts below; null on the last page. */
export async function pageListings(db: Queryable, { list, status, address, before, limit }: ListingFilter): Promise<{ rows: ListedAddressRow[]; next: number | null }> {
  const found = await db
    .select()
    .from(listedAddresses)
    .where(
      and(
        list === undefined ? undefined : eq(listedAddresses.list, list),
        status === undefined ? undefined : eq(listedAddresses.status, status),
        address === undefined ? undefined : eq(listedAddresses.address, address),
        before === undefined ? undefined : lt(listedAddresses.id, before),
      ),
    )
    .orderBy(desc(listedAddresses.id))
    .limit(limit + 1);
  const rows = found.slice(0, limit);
  return { rows, next: found.length > limit ? (rows.at(-1)?.id ?? null) : null };
}
