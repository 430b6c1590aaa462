import { array, assert, constantFrom, date, integer, nat, option, property, record, string, type Arbitrary } from 'fast-check';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AUDIT_ACTIONS, AUDIT_ACTORS, AUDIT_GENESIS, AUDIT_PHASES, auditState, canonicalAudit, findCut, linkAfter, walkChain, type AuditHead, type AuditRecord, type ChainedRecord } from './audit.ts';

const NO_ANCHORS: ReadonlyMap<number, ReadonlySet<string>> = new Map();
const text = option(string({ maxLength: 12 }));
const recordArbitrary: Arbitrary<AuditRecord> = record({
  id: nat(),
  at: date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') }),
  callId: string({ maxLength: 8 }),
  phase: constantFrom(...AUDIT_PHASES),
  actorKind: constantFrom(...AUDIT_ACTORS),
  actorId: option(nat()),
  actorName: text,
  via: text,
  ip: text,
  userAgent: text,
  action: constantFrom(...AUDIT_ACTIONS),
  targetKind: text,
  targetId: text,
  status: option(integer({ min: 0, max: 599 })),
  errorCode: text,
  stateBefore: text,
  stateAfter: text,
  correlationId: string({ maxLength: 8 }),
  times: integer({ min: 1, max: 1_000 }),
});
/** Rows as the database has them: no two of one id. */
const log = array(recordArbitrary, { minLength: 2, maxLength: 12 }).map((records) => records.map((each, index) => ({ ...each, id: 10 * (index + 1) })));

function chained(records: readonly AuditRecord[]): ChainedRecord[] {
  let head = AUDIT_GENESIS;
  return records.map((each) => {
    head = linkAfter(head, each);
    return { ...head, record: each };
  });
}
const anchorOf = ({ position, hash }: AuditHead) => new Map([[position, new Set([hash])]]);
/** What a verifier finds who walks the whole chain. */
function found(links: readonly ChainedRecord[], anchors = NO_ANCHORS) {
  const { head, broken } = walkChain(AUDIT_GENESIS, links, anchors);
  return broken ?? findCut(head, anchors);
}
const other = (value: unknown): unknown => {
  if (value instanceof Date) return new Date(value.getTime() + 1);
  if (typeof value === 'number') return value + 1;
  return value === null ? '' : `${value as string}x`;
};

describe('the chain rule', () => {
  it('is SHA-256 over the hash before and the row in a fixed spelling', () => {
    const row: AuditRecord = {
      id: 7, at: new Date('2026-11-24T04:20:09.412Z'), callId: 'c', phase: 'ENDED', actorKind: 'account', actorId: 3, actorName: 'a@b', via: 'session', ip: '::1', userAgent: null, action: 'halt.set',
      targetKind: 'halt', targetId: 'GLOBAL *', status: 200, errorCode: null, stateBefore: null, stateAfter: '{}', correlationId: 'order-0001', times: 1,
    };
    const spelling = '[1,7,"2026-11-24T04:20:09.412Z","c","ENDED","account",3,"a@b","session","::1",null,"halt.set","halt","GLOBAL *",200,null,null,"{}","order-0001",1]';
    expect(canonicalAudit(row)).toBe(spelling);
    expect(linkAfter(AUDIT_GENESIS, row)).toEqual({ position: 1, hash: createHash('sha256').update(`${'0'.repeat(64)}|${spelling}`).digest('hex') });
  });

  it('finds nothing in a chain that is what was written, in one walk or in several', () => {
    assert(
      property(log, nat(), (records, cut) => {
        const links = chained(records);
        const last = links.at(-1) as ChainedRecord;
        expect(found(links, anchorOf(last))).toBeNull();
        const at = cut % links.length;
        const first = walkChain(AUDIT_GENESIS, links.slice(0, at), NO_ANCHORS);
        expect(walkChain(first.head, links.slice(at), NO_ANCHORS)).toEqual({ head: { position: last.position, hash: last.hash }, broken: null });
      }),
    );
  });

  it('finds every changed field of every row, where it is', () => {
    assert(
      property(log, nat(), constantFrom(...(Object.keys(sample()) as (keyof AuditRecord)[])), (records, pick, field) => {
        const links = chained(records);
        const at = pick % links.length;
        const changed = links.map((link, index) => (index === at && link.record ? { ...link, record: { ...link.record, [field]: other(link.record[field]) } } : link));
        expect(found(changed)).toEqual({ position: at + 1, what: 'row-changed' });
      }),
    );
  });

  it('finds a row that is gone, a link that is gone, two that were swapped, one that was put in', () => {
    assert(
      property(log, nat(), recordArbitrary, (records, pick, stranger) => {
        const links = chained(records);
        const at = pick % (links.length - 1);
        expect(found(links.map((link, index) => (index === at ? { ...link, record: null } : link)))).toEqual({ position: at + 1, what: 'row-missing' });
        expect(found(links.filter((_, index) => index !== at))).toEqual({ position: at + 1, what: 'link-missing' });
        const swapped = links.map((link, index) => ({ ...link, record: links[index === at ? at + 1 : index === at + 1 ? at : index]?.record ?? null }));
        expect(found(swapped)).toEqual({ position: at + 1, what: 'row-changed' });
        const inserted = chained([...records.slice(0, at), { ...stranger, id: 5 }, ...records.slice(at)]);
        const keptHashes = inserted.map((link, index) => ({ ...link, hash: links[index]?.hash ?? link.hash }));
        expect(found(keptHashes)).toEqual({ position: at + 1, what: 'row-changed' });
      }),
    );
  });

  it('finds a tail that was cut and a chain that was written anew, by what was anchored elsewhere', () => {
    assert(
      property(log, nat(), (records, pick) => {
        const links = chained(records);
        const anchors = anchorOf(links.at(-1) as ChainedRecord);
        const at = pick % links.length;
        expect(found(links.slice(0, at), anchors)).toEqual({ position: at + 1, what: 'tail-cut' });
        const anew = chained(records.map((each, index) => (index === at ? { ...each, status: (each.status ?? 0) + 1 } : each)));
        expect(found(anew)).toBeNull();
        expect(found(anew, anchors)).toEqual({ position: links.length, what: 'anchor-differs' });
      }),
    );
  });

  it('takes no side where anchors of one position contradict each other', () => {
    const links = chained([sample(), { ...sample(), id: 2 }]);
    expect(found(links, new Map([[1, new Set([links[0]?.hash ?? '', 'f'.repeat(64)])]]))).toEqual({ position: 1, what: 'anchor-differs' });
  });
});

function sample(): AuditRecord {
  return {
    id: 1, at: new Date(0), callId: '', phase: 'DONE', actorKind: 'account', actorId: 1, actorName: null, via: null, ip: null, userAgent: null, action: 'halt.set', targetKind: null, targetId: null, status: null,
    errorCode: null, stateBefore: null, stateAfter: null, correlationId: '', times: 1,
  };
}

describe('auditState', () => {
  it('hides whatever is named like a secret, however deep, and keeps what only sounds like one', () => {
    const secrets = ['password', 'newPassword', 'secret', 'clientSecret', 'secrets', 'accessToken', 'refreshToken', 'apiKey', 'privateKey', 'recoveryCodes', 'key', 'token', 'code', 'seal', 'authorization', 'challengeToken'];
    for (const name of secrets) expect(auditState({ list: [{ [name]: 'do-not-keep' }] })).toBe(`{"list":[{"${name}":"[hidden]"}]}`);
    expect(auditState({ password: { nested: 'do-not-keep' } })).not.toContain('do-not-keep');
    const kept = { tokenAddress: '0x1', txHash: '0x2', keyId: 'k', errorCode: 'HALTED', policy: 'p', secondFactor: true };
    expect(JSON.parse(auditState(kept) ?? '')).toEqual(kept);
  });

  it('is small: long texts are cut, and what is still too long is kept by its hash', () => {
    expect(auditState({ reason: 'x'.repeat(600) })).toBe(`{"reason":"${'x'.repeat(500)}…"}`);
    const rules = Array.from({ length: 2_000 }, (_, index) => ({ id: `rule-${index}` }));
    expect(JSON.parse(auditState(rules) ?? '')).toEqual({ sha256: createHash('sha256').update(JSON.stringify(rules)).digest('hex'), characters: JSON.stringify(rules).length });
  });

  it('is null for no state, and spells amounts as text', () => {
    expect(auditState(undefined)).toBeNull();
    expect(auditState({ amount: 10n ** 20n })).toBe('{"amount":"100000000000000000000"}');
  });
});
