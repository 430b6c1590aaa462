import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifySendError } from './send-errors.ts';
import { NODE_ANSWERS } from './send-errors.testkit.ts';

const CLIENTS = ['geth', 'bor', 'erigon', 'nethermind', 'besu', 'reth', 'anvil'] as const;

describe('classifySendError', () => {
  it.each(NODE_ANSWERS)('$client $version: "$text" is $expected', ({ text, expected }) => {
    expect(classifySendError(text)).toEqual({ kind: expected });
  });

  it.each(CLIENTS)('knows how %s says that it has the transaction, that the nonce is used up, that the price is too low, that there is too little money, and that it refuses', (client) => {
    const kinds = new Set(NODE_ANSWERS.filter((answer) => answer.client === client).map(({ expected }) => expected));
    for (const kind of ['already-known', 'nonce-consumed', 'underpriced', 'underpriced-replacement', 'insufficient-funds', 'rejected'] as const) expect([...kinds]).toContain(kind);
  });

  it('takes a sentence for the same in any case', () => {
    for (const { text, expected } of NODE_ANSWERS) {
      expect({ text, ...classifySendError(text.toUpperCase()) }).toEqual({ text, kind: expected });
      expect({ text, ...classifySendError(text.toLowerCase()) }).toEqual({ text, kind: expected });
    }
  });

  /** A token's author writes the revert reason; it may quote any answer in the table. */
  const quoting = ['execution reverted: ', "VM Exception while processing transaction: reverted with reason string '", 'VM Exception while processing transaction: revert ', 'revert: ', 'Reverted '];
  it.each(quoting)('is still told of a revert when the reason quotes any of them: %s', (prefix) => {
    for (const { text } of NODE_ANSWERS) expect({ text, ...classifySendError(`${prefix}${text}`) }).toEqual({ text, kind: 'reverts' });
  });

  it('never throws, and takes no text at all for success', () => {
    assert(
      property(string({ maxLength: 200 }), (text) => {
        expect(classifySendError(text).kind).not.toBe('accepted');
      }),
    );
    for (const { text } of NODE_ANSWERS) expect(classifySendError(text).kind).not.toBe('accepted');
  });

  it('does not find "known transaction" inside another word', () => {
    expect(classifySendError('unknown transaction type')).toEqual({ kind: 'rejected' });
  });

  it.each(['', 'gibberish', 'Internal error'])('%j is rejected: nobody listed it', (text) => {
    expect(classifySendError(text)).toEqual({ kind: 'rejected' });
  });
});
