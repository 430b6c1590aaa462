import { randomBytes } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAddress, type Address } from '../../../domain/address.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { listedAddresses } from '../../schema/index.ts';
import { openDenylist } from './denylist-links.ts';
import { approveListing, pageListings, proposeListing, proposeRemoval, readListing, rejectListing, type ListingChange, type NewListing } from './listed-addresses.ts';
import { transact } from '../../transact.ts';
import { range } from '../repositories.testkit.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await transact(database.db, (tx) => openDenylist(tx, database.sealKey, NETWORK));
});
afterAll(() => database.close());

const NETWORK = 'polygon-amoy';
const PROPOSER = 1;
const APPROVER = 2;
const OWNER = 7;
const newAddress = (): Address => parseAddress(`0x${randomBytes(20).toString('hex')}`);

const entry = (change: Partial<NewListing> = {}): NewListing => ({ list: 'ALLOW', network: NETWORK, address: newAddress(), ownerId: null, label: null, reason: 'a test', proposedBy: PROPOSER, ...change });
async function proposed(change: Partial<NewListing> = {}): Promise<number> {
  const answer = await proposeListing(database.db, database.sealKey, entry(change));
  if (answer.kind !== 'done') throw new Error(answer.kind);
  return answer.row.id;
}
async function listed(change: Partial<NewListing> = {}): Promise<number> {
  const id = await proposed(change);
  await approve(id);
  return id;
}
const approve = (id: number, by = APPROVER, proposal?: 'addition' | 'removal') => approveListing(database.db, database.sealKey, id, { approvedBy: by, proposal });
const reject = (id: number, by = APPROVER, proposal?: 'addition' | 'removal') => rejectListing(database.db, database.sealKey, id, { rejectedBy: by, reason: 'no', proposal });
const remove = (id: number, by = PROPOSER) => proposeRemoval(database.db, database.sealKey, id, { proposedBy: by, reason: 'no longer' });
const destinationOf = async (address: Address, ownerId = OWNER) => (await readListing(database.db, { network: NETWORK, toAddress: address, ownerId })).destination;
const refused = (reason: string) => expect.objectContaining({ kind: 'refused', reason });
const isDone = ({ kind }: ListingChange) => kind === 'done';

describe('an entry', () => {
  it.each([['ALLOW', 'allowlisted'], ['DENY', 'denylisted']] as const)('of %s is in force from the approval of somebody else to the approved removal', async (list, destination) => {
    const address = newAddress();
    const id = await proposed({ list, address });
    expect(await destinationOf(address)).toBe('unlisted');
    expect(await approve(id, PROPOSER)).toEqual(refused('own-proposal'));
    expect(await approve(id)).toMatchObject({ kind: 'done', row: { status: 'LIVE', decidedBy: APPROVER, liveAt: expect.any(Date) } });
    expect(await destinationOf(address)).toBe(destination);

    expect(await remove(id, APPROVER)).toMatchObject({ kind: 'done', row: { status: 'REMOVAL_PROPOSED' } });
    expect(await destinationOf(address)).toBe(destination);
    expect(await approve(id, APPROVER)).toEqual(refused('own-proposal'));
    expect(await approve(id, PROPOSER)).toMatchObject({ kind: 'done', row: { status: 'REMOVED', removalDecidedBy: PROPOSER, decidedBy: APPROVER, openKey: null } });
    expect(await destinationOf(address)).toBe('unlisted');
  });

  it('stays where its removal is rejected', async () => {
    const address = newAddress();
    const id = await listed({ address });
    await remove(id);
    expect(await reject(id)).toMatchObject({ kind: 'done', row: { status: 'LIVE', decisionReason: 'no' } });
    expect(await destinationOf(address)).toBe('allowlisted');
    expect(await remove(id)).toMatchObject({ kind: 'done', row: { status: 'REMOVAL_PROPOSED', removalDecidedBy: null } });
  });

  it('is listed once for an owner; again after it was rejected or removed', async () => {
    const address = newAddress();
    const id = await listed({ address });
    expect(await proposeListing(database.db, database.sealKey, entry({ address }))).toEqual(refused('already-listed'));
    expect(await proposeListing(database.db, database.sealKey, entry({ address, ownerId: OWNER }))).toMatchObject({ kind: 'done' });
    expect(await proposeListing(database.db, database.sealKey, entry({ address, list: 'DENY' }))).toMatchObject({ kind: 'done' });
    await remove(id);
    await approve(id);
    const again = await proposed({ address });
    await reject(again);
    expect(await proposed({ address })).toBeGreaterThan(again);
  });

  it('proposed a hundred times at once is one', async () => {
    const one = entry();
    const answers = await Promise.all(range(100).map(() => proposeListing(database.db, database.sealKey, one)));
    expect(answers.every(isDone)).toBe(true);
    expect(await database.db.$count(listedAddresses, eq(listedAddresses.address, one.address))).toBe(1);
  });

  it('proposed by two people at once is of one of them', async () => {
    const one = entry();
    const answers = await Promise.all([PROPOSER, APPROVER].map((proposedBy) => proposeListing(database.db, database.sealKey, { ...one, proposedBy })));
    expect(answers.filter(isDone)).toHaveLength(1);
  });

  it('answers repeats as before, and what is meant for the other proposal not at all', async () => {
    const id = await proposed();
    const first = await approve(id);
    expect(await approve(id)).toEqual(first);
    expect(await approve(id, 3)).toEqual(refused('nothing-proposed'));
    const removal = await remove(id, PROPOSER);
    expect(await remove(id, PROPOSER)).toEqual(removal);
    expect(await remove(id, 3)).toEqual(refused('removal-proposed'));
    // Whose first answer was lost says "approve" again, and means the addition.
    expect(await approve(id, APPROVER, 'addition')).toMatchObject({ kind: 'done', row: { status: 'REMOVAL_PROPOSED' } });
    expect(await reject(id, APPROVER, 'addition')).toEqual(refused('nothing-proposed'));
    const removed = await approve(id, APPROVER, 'removal');
    expect(removed).toMatchObject({ kind: 'done', row: { status: 'REMOVED' } });
    expect(await approve(id, APPROVER, 'removal')).toEqual(removed);
    expect(await remove(id)).toEqual(refused('not-in-force'));
  });

  it('decided by many at once is decided once', async () => {
    const id = await proposed();
    const answers = await Promise.all(range(40, 2).map((by) => (by % 2 === 0 ? approve(id, by) : reject(id, by))));
    expect(answers.filter(isDone)).toHaveLength(1);
  });

  it('that does not exist is not found', async () => {
    for (const answer of [approve(1_000_000), reject(1_000_000), remove(1_000_000)]) expect(await answer).toEqual({ kind: 'not-found' });
  });

  it('has two people behind it by the database itself', async () => {
    const id = await proposed();
    const byHand = (set: object) =>
      database.db.update(listedAddresses).set(set).where(eq(listedAddresses.id, id)).then(
        () => null,
        (error: unknown) => error,
      );
    for (const set of [{ status: 'LIVE' }, { status: 'LIVE', decidedBy: PROPOSER }]) expect(await byHand(set)).toMatchObject({ cause: { message: expect.stringContaining('listed_addresses_two_people') } });
    await approve(id);
    await remove(id);
    for (const set of [{ status: 'REMOVED' }, { status: 'REMOVED', removalDecidedBy: PROPOSER }]) expect(await byHand(set)).toMatchObject({ cause: { message: expect.stringContaining('listed_addresses_two_remove') } });
  });
});

describe('what the lists say', () => {
  it('the denylist outweighs the allowlist', async () => {
    const address = newAddress();
    await listed({ address });
    await listed({ address, list: 'DENY' });
    expect(await destinationOf(address)).toBe('denylisted');
  });

  it('holds for the owner an entry is for, and on its network', async () => {
    const address = newAddress();
    await listed({ address, ownerId: OWNER });
    expect(await destinationOf(address)).toBe('allowlisted');
    expect(await destinationOf(address, OWNER + 1)).toBe('unlisted');
    expect((await readListing(database.db, { network: 'polygon', toAddress: address, ownerId: OWNER })).destination).toBe('unlisted');
  });

  it('dates from the oldest entry in force', async () => {
    const address = newAddress();
    const since = new Date('2026-11-01T00:00:00.000Z');
    const id = await listed({ address });
    await database.db.update(listedAddresses).set({ liveAt: since }).where(eq(listedAddresses.id, id));
    await listed({ address, ownerId: OWNER });
    expect(await readListing(database.db, { network: NETWORK, toAddress: address, ownerId: OWNER })).toEqual({ destination: 'allowlisted', allowedSince: since });
  });
});

describe('pages', () => {
  it('give every entry once, newest first, by list, status and address', async () => {
    const address = newAddress();
    const ids = [await listed({ address }), await proposed({ address, ownerId: OWNER }), await listed({ address, list: 'DENY' })];
    const seen: number[] = [];
    for (let before: number | undefined; ; ) {
      const { rows, next } = await pageListings(database.db, { address, before, limit: 2 });
      seen.push(...rows.map(({ id }) => id));
      if (next === null) break;
      before = next;
    }
    expect(seen).toEqual(ids.toReversed());
    expect((await pageListings(database.db, { address, list: 'DENY', status: 'LIVE', limit: 10 })).rows.map(({ id }) => id)).toEqual([ids[2]]);
    expect((await pageListings(database.db, { address, list: 'ALLOW', status: 'PROPOSED', limit: 10 })).rows.map(({ id }) => id)).toEqual([ids[1]]);
  });
});
