import { describe, expect, it } from 'vitest';
import { deniedEntriesHold, denylistLinkHolds, listingSealHolds, sealDeniedEntries, sealDenylistLink, sealListing, type SealedListing } from './listing-seal.ts';

const KEY = new Uint8Array(32).fill(7);
const ENTRY: SealedListing = {
  id: 9, list: 'ALLOW', network: 'polygon', address: '0x52908400098527886E0F7030069857D2E4169EE7', ownerId: 5, status: 'REMOVED',
  proposedBy: 1, proposedAt: new Date(1), liveAt: new Date(2), decidedBy: 2, decidedAt: new Date(2),
  removalProposedBy: 1, removalProposedAt: new Date(3), removalDecidedBy: 2, removalDecidedAt: new Date(4),
};

describe("an entry's seal", () => {
  const seal = sealListing(KEY, ENTRY);

  it('holds for the entry, however its address is spelled', () => {
    expect(listingSealHolds(KEY, { ...ENTRY, seal })).toBe(true);
    expect(listingSealHolds(KEY, { ...ENTRY, address: ENTRY.address.toLowerCase(), seal })).toBe(true);
    expect(listingSealHolds(KEY, { ...ENTRY, seal: null })).toBe(false);
  });

  it.each<[keyof SealedListing, Partial<SealedListing>]>([
    ['id', { id: 10 }],
    ['list', { list: 'DENY' }],
    ['network', { network: 'polygon-amoy' }],
    ['address', { address: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed' }],
    ['ownerId', { ownerId: null }],
    ['status', { status: 'LIVE' }],
    ['proposedBy', { proposedBy: 2 }],
    ['proposedAt', { proposedAt: new Date(0) }],
    ['liveAt', { liveAt: new Date(0) }],
    ['decidedBy', { decidedBy: 1 }],
    ['decidedAt', { decidedAt: new Date(0) }],
    ['removalProposedBy', { removalProposedBy: 2 }],
    ['removalProposedAt', { removalProposedAt: new Date(0) }],
    ['removalDecidedBy', { removalDecidedBy: 1 }],
    ['removalDecidedAt', { removalDecidedAt: null }],
  ])('breaks with another %s', (_, change) => {
    expect(listingSealHolds(KEY, { ...ENTRY, ...change, seal })).toBe(false);
  });
});

describe('the seals of the denylist', () => {
  const LINK = { network: 'polygon', address: '0x11', nextAddress: '0x22' };
  const linkSeal = sealDenylistLink(KEY, LINK);

  it('hold a link to its neighbour', () => {
    expect(denylistLinkHolds(KEY, { ...LINK, linkSeal })).toBe(true);
    for (const change of [{ network: 'polygon-amoy' }, { address: '0x12' }, { nextAddress: '0x21' }, { nextAddress: null }]) expect(denylistLinkHolds(KEY, { ...LINK, ...change, linkSeal })).toBe(false);
  });

  it('hold the entries at an address together, in whatever order they are read', () => {
    const [one, two] = [{ id: 1, seal: 'a' }, { id: 2, seal: 'b' }];
    const entriesSeal = sealDeniedEntries(KEY, LINK, [one, two]);
    expect(deniedEntriesHold(KEY, { ...LINK, entriesSeal }, [two, one])).toBe(true);
    for (const others of [[one], [], [one, { id: 2, seal: null }], [one, two, { id: 3, seal: 'c' }]]) expect(deniedEntriesHold(KEY, { ...LINK, entriesSeal }, others)).toBe(false);
    expect(deniedEntriesHold(KEY, { ...LINK, address: '0x12', entriesSeal }, [one, two])).toBe(false);
  });
});
