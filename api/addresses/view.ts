import type { Queryable } from '../../db/client.ts';
import type { ListedAddressRow } from '../../db/repositories/policy/listed-addresses.ts';
import { listEmails } from '../../db/repositories/accounts/users.ts';
import { parseAddress } from '../../domain/address.ts';
import type { ListedAddressView } from '../schemas/listed-address.ts';

const isoOrNull = (time: Date | null): string | null => time?.toISOString() ?? null;
const PROPOSAL = { PROPOSED: 'addition', REMOVAL_PROPOSED: 'removal' } as const;

/** Entries as an admin sees them: people by their e-mail addresses. */
export async function listedAddressViews(database: Queryable, rows: readonly ListedAddressRow[]): Promise<ListedAddressView[]> {
  const emails = await listEmails(database, rows.flatMap((row) => [row.ownerId, row.proposedBy, row.decidedBy, row.removalProposedBy, row.removalDecidedBy]));
  const person = (id: number | null) => (id === null ? null : (emails.get(id) ?? `account ${id}`));
  return rows.map((row) => ({
    id: row.id,
    list: row.list === 'ALLOW' ? 'allow' : 'deny',
    network: row.network,
    address: parseAddress(row.address),
    ownerEmail: person(row.ownerId),
    label: row.label,
    status: row.status,
    inForce: row.status === 'LIVE' || row.status === 'REMOVAL_PROPOSED',
    proposal: row.status === 'PROPOSED' || row.status === 'REMOVAL_PROPOSED' ? PROPOSAL[row.status] : null,
    reason: row.reason,
    proposedBy: person(row.proposedBy),
    proposedAt: row.proposedAt.toISOString(),
    liveAt: isoOrNull(row.liveAt),
    decidedBy: person(row.decidedBy),
    decidedAt: isoOrNull(row.decidedAt),
    decisionReason: row.decisionReason,
    removal:
      row.removalProposedBy === null
        ? null
        : { reason: row.removalReason, proposedBy: person(row.removalProposedBy), proposedAt: isoOrNull(row.removalProposedAt), decidedBy: person(row.removalDecidedBy), decidedAt: isoOrNull(row.removalDecidedAt) },
  }));
}

export async function listedAddressView(database: Queryable, row: ListedAddressRow): Promise<ListedAddressView> {
  const [view] = await listedAddressViews(database, [row]);
  if (!view) throw new Error('one row has one view');
  return view;
}
