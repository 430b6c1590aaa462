import { array, assert, boolean, constantFrom, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { approvalHolds, sealApproval, tallyApprovals, whyNotApprover, type ApprovalTerms } from './approvals.ts';
import { sealRequest, type SealedFields } from './seal.ts';

const KEY = new Uint8Array(32).fill(7);
const WITHDRAWAL: SealedFields = { requestId: 'tx-1', ownerId: 1, chainId: 80_002, currency: 'POL', decimals: 18, tokenAddress: null, toAddress: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed', amount: 5n };
const APPROVAL = { decision: 'APPROVE' as const, approverId: 2 };
const TERMS: ApprovalTerms = { required: 2, approvers: null, requesterId: 1 };
const approve = (approverId: number) => ({ decision: 'APPROVE' as const, approverId });
const reject = (approverId: number) => ({ decision: 'REJECT' as const, approverId });

describe('the seal of an approval', () => {
  const seal = sealApproval(KEY, APPROVAL, WITHDRAWAL);

  it('holds for this word on this withdrawal, and is no request seal', () => {
    expect(approvalHolds(KEY, { ...APPROVAL, seal }, WITHDRAWAL)).toBe(true);
    expect(seal).not.toBe(sealRequest(KEY, WITHDRAWAL));
  });

  it.each([
    ['another approver', { ...APPROVAL, approverId: 3 }, WITHDRAWAL, KEY],
    ['the opposite word', { ...APPROVAL, decision: 'REJECT' as const }, WITHDRAWAL, KEY],
    ['another withdrawal', APPROVAL, { ...WITHDRAWAL, requestId: 'tx-2' }, KEY],
    ['another requester', APPROVAL, { ...WITHDRAWAL, ownerId: 9 }, KEY],
    ['another amount', APPROVAL, { ...WITHDRAWAL, amount: 50n }, KEY],
    ['another recipient', APPROVAL, { ...WITHDRAWAL, toAddress: '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266' }, KEY],
    ['another key', APPROVAL, WITHDRAWAL, new Uint8Array(32).fill(8)],
  ] as const)('breaks for %s', (_, approval, withdrawal, key) => {
    expect(approvalHolds(key, { ...approval, seal }, withdrawal)).toBe(false);
  });
});

describe('who may approve', () => {
  it('is never the requester, and only the named ones where some are named', () => {
    expect(whyNotApprover(1, TERMS)).toBe('requester');
    expect(whyNotApprover(9, TERMS)).toBeNull();
    expect(whyNotApprover(9, { ...TERMS, approvers: [2, 3] })).toBe('not-an-approver');
    expect(whyNotApprover(1, { ...TERMS, approvers: [1] })).toBe('requester');
  });
});

describe('the tally', () => {
  it.each([
    ['nothing yet', [], false, { kind: 'waiting', given: 0 }],
    ['one of two', [approve(2)], false, { kind: 'waiting', given: 1 }],
    ['the same person twice', [approve(2), approve(2)], false, { kind: 'waiting', given: 1 }],
    ['the requester as the second', [approve(2), approve(1)], false, { kind: 'waiting', given: 1 }],
    ['two people', [approve(2), approve(3)], false, { kind: 'approved' }],
    ['two people, read after the deadline', [approve(2), approve(3)], true, { kind: 'approved' }],
    ['one of two at the deadline', [approve(2)], true, { kind: 'expired' }],
    ['enough, and a rejection', [approve(2), approve(3), reject(4)], false, { kind: 'rejected', by: 4 }],
    ["the requester's own rejection", [reject(1)], false, { kind: 'waiting', given: 0 }],
  ] as const)('%s', (_, given, isPastDeadline, expected) => {
    expect(tallyApprovals([...given], TERMS, isPastDeadline)).toEqual(expected);
  });

  it('approves only with enough distinct people who may, and nobody against it', () => {
    const word = record({ decision: constantFrom('APPROVE' as const, 'REJECT' as const), approverId: integer({ min: 1, max: 6 }) });
    assert(
      property(array(word, { maxLength: 12 }), integer({ min: 1, max: 4 }), boolean(), (given, required, isPastDeadline) => {
        const tally = tallyApprovals(given, { required, approvers: [2, 3, 4, 5], requesterId: 5 }, isPastDeadline);
        const counting = given.filter(({ approverId }) => [2, 3, 4].includes(approverId));
        const people = new Set(counting.filter(({ decision }) => decision === 'APPROVE').map(({ approverId }) => approverId));
        const against = counting.some(({ decision }) => decision === 'REJECT');
        expect(tally.kind === 'approved').toBe(!against && people.size >= required);
      }),
    );
  });
});
