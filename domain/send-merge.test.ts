import { array, assert, constantFrom, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SendVerdictKind } from './send-errors.ts';
import { mergeSendVerdicts } from './send-merge.ts';

const KINDS: readonly SendVerdictKind[] = ['accepted', 'already-known', 'nonce-consumed', 'underpriced-replacement', 'underpriced', 'nonce-gap', 'insufficient-funds', 'reverts', 'busy', 'unknown', 'rejected'];
const FATAL: readonly SendVerdictKind[] = ['insufficient-funds', 'reverts', 'rejected'];
const verdicts = array(constantFrom(...KINDS).map((kind) => ({ kind })), { maxLength: 4 });
const merge = (...kinds: SendVerdictKind[]) => {
  const { verdict, contradiction } = mergeSendVerdicts(kinds.map((kind) => ({ kind })));
  return [verdict?.kind ?? null, contradiction];
};

describe('merging the answers of several nodes to one send', () => {
  it.each([
    [['accepted', 'busy'], 'accepted', false],
    [['busy', 'accepted', 'unknown'], 'accepted', false],
    [['rejected', 'accepted'], 'accepted', true],
    [['accepted', 'insufficient-funds'], 'accepted', true],
    [['reverts', 'accepted', 'accepted'], 'accepted', true],
    [['accepted', 'nonce-consumed'], 'accepted', false],
    [['rejected', 'nonce-consumed'], 'nonce-consumed', false],
    [['underpriced-replacement', 'underpriced'], 'underpriced-replacement', false],
    [['rejected', 'unknown'], 'unknown', false],
    [['insufficient-funds', 'unknown'], 'unknown', false],
    [['unknown', 'unknown', 'unknown'], 'unknown', false],
    [['rejected', 'busy'], 'busy', false],
    [['insufficient-funds', 'underpriced'], 'underpriced', false],
    [['rejected', 'rejected'], 'rejected', false],
    [[], null, false],
  ] as const)('%j is %s, contradiction: %s', (kinds, kind, contradiction) => {
    expect(merge(...kinds)).toEqual([kind, contradiction]);
  });

  it('does not depend on who answers first', () => {
    assert(
      property(verdicts, (answers) => {
        const { verdict, contradiction } = mergeSendVerdicts(answers);
        const reversed = mergeSendVerdicts(answers.toReversed());
        expect({ kind: reversed.verdict?.kind, contradiction: reversed.contradiction }).toEqual({ kind: verdict?.kind, contradiction });
      }),
    );
  });

  it('is a refusal only when every node refuses, and sent whenever one has it', () => {
    assert(
      property(verdicts, (answers) => {
        const { verdict, contradiction } = mergeSendVerdicts(answers);
        const kinds = answers.map(({ kind }) => kind);
        if (verdict && FATAL.includes(verdict.kind)) expect(kinds.filter((kind) => !FATAL.includes(kind))).toEqual([]);
        if (kinds.includes('accepted')) expect(verdict?.kind).toBe('accepted');
        expect(contradiction).toBe(kinds.includes('accepted') && kinds.some((kind) => FATAL.includes(kind)));
      }),
    );
  });
});
