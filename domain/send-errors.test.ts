import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifySendError, type SendVerdictKind } from './send-errors.ts';

/** What nodes really answer to `eth_sendRawTransaction`, word for word, by node software. */
const ANSWERS: Record<string, Partial<Record<SendVerdictKind, readonly string[]>>> = {
  geth: {
    accepted: ['already known'],
    'nonce-consumed': ['nonce too low', 'nonce too low: next nonce 5, tx nonce 4', 'nonce too low: address 0x0000000000000000000000000000000000000001, tx: 4 state: 5'],
    'underpriced-replacement': ['replacement transaction underpriced', 'replacement transaction underpriced: new tx gas fee cap 100 <= 100 queued'],
    underpriced: ['transaction underpriced', 'transaction underpriced: gas tip cap 1, minimum needed 1000000000', 'max fee per gas less than block base fee: address 0x0000000000000000000000000000000000000001, maxFeePerGas: 1, baseFee: 7'],
    'nonce-gap': ['nonce too high', 'nonce too high: address 0x0000000000000000000000000000000000000001, tx: 9 state: 5', 'future transaction tries to replace pending', 'gapped-nonce tx from delegated accounts'],
    'insufficient-funds': ['insufficient funds for gas * price + value', 'insufficient funds for gas * price + value: balance 0, tx cost 21000, overshot 21000', 'insufficient funds for transfer', 'insufficient balance for transfer'],
    reverts: ['execution reverted', 'execution reverted: ERC20: transfer amount exceeds balance'],
    busy: ['txpool is full', 'account limit exceeded', 'in-flight transaction limit reached for delegated accounts'],
    unknown: ['request timed out', 'context deadline exceeded', 'context canceled'],
    rejected: ['intrinsic gas too low', 'exceeds block gas limit', 'invalid sender', 'oversized data', 'negative value', 'transaction type not supported', 'max priority fee per gas higher than max fee per gas', 'tx fee (1.10 ether) exceeds the configured cap (1.00 ether)', 'only replay-protected (EIP-155) transactions allowed over RPC'],
  },
  bor: {
    underpriced: ['transaction gas price below minimum: gas tip cap 15000000000, minimum needed 25000000000', 'transaction underpriced: gas tip cap 2500000000, minimum needed 25000000000'],
    'underpriced-replacement': ['INTERNAL_ERROR: could not replace existing tx'],
    accepted: ['ALREADY_EXISTS: already known', 'INTERNAL_ERROR: existing tx with same hash'],
    'nonce-consumed': ['INTERNAL_ERROR: nonce too low'],
    'insufficient-funds': ['INTERNAL_ERROR: insufficient funds'],
  },
  erigon: {
    accepted: ['already known', 'existing tx with same hash'],
    'nonce-consumed': ['nonce too low'],
    'underpriced-replacement': ['replacement transaction underpriced', 'could not replace existing tx'],
    underpriced: ['underpriced', 'fee too low'],
    'insufficient-funds': ['insufficient funds'],
    busy: ['pending sub-pool is full', 'baseFee sub-pool is full', 'queued sub-pool is full'],
    rejected: ['IntrinsicGas', 'RLPTooLong'],
  },
  nethermind: {
    accepted: ['AlreadyKnown', 'already known'],
    'nonce-consumed': ['OldNonce', 'OldNonce, Current nonce: 5, nonce of rejected tx: 4', 'nonce too low'],
    'underpriced-replacement': ['ReplacementNotAllowed', 'replacement transaction underpriced'],
    underpriced: ['FeeTooLow', 'FeeTooLow, MaxFeePerGas too low. MaxFeePerGas: 1, BaseFee: 7, MaxPriorityFeePerGas:1, Block number: 9', 'FeeTooLowToCompete', 'transaction underpriced'],
    'nonce-gap': ['NonceGap', 'NonceGap, Future nonce. Expected nonce: 5', 'NonceTooFarInFuture', 'nonce too far in future', 'nonce too high'],
    'insufficient-funds': ['InsufficientFunds', 'InsufficientFunds, Account balance: 0, cumulative cost: 21000', 'InsufficientFunds, Balance is 5 less than sending value + gas 6', 'insufficient funds for gas * price + value'],
    reverts: ['VM execution error.', 'Reverted 0x08c379a0'],
    rejected: ['SenderIsContract', 'Int256Overflow', 'FailedToResolveSender', 'GasLimitExceeded, Gas limit: 30000000, gas limit of rejected tx: 30000001', 'gas limit reached'],
  },
  besu: {
    accepted: ['Known transaction'],
    'nonce-consumed': ['Nonce too low'],
    'underpriced-replacement': ['Replacement transaction underpriced'],
    underpriced: ['Gas price below configured minimum gas price', 'Gas price below current base fee'],
    'nonce-gap': ['Transaction nonce is too distant from current sender nonce'],
    'insufficient-funds': ['Upfront cost exceeds account balance'],
    reverts: ['Execution reverted'],
    unknown: ['Timeout expired'],
    rejected: ['Intrinsic gas exceeds gas limit', 'Transaction gas limit exceeds block gas limit', 'Invalid signature', 'Transaction fee cap exceeded'],
  },
  reth: {
    accepted: ['already known', '[0x9fc76417374aa880d4449a1f7f31ec597f00b1f6f3dd2d66f4c9c6c445836d8b] Already imported'],
    'nonce-consumed': ['nonce too low', 'nonce too low: next nonce 5, tx nonce 4'],
    'underpriced-replacement': ['replacement transaction underpriced', '[0x9fc76417374aa880d4449a1f7f31ec597f00b1f6f3dd2d66f4c9c6c445836d8b]: insufficient gas price to replace existing transaction.'],
    underpriced: ['transaction underpriced', 'max fee per gas less than block base fee'],
    'nonce-gap': ['nonce too high'],
    'insufficient-funds': ['insufficient funds for gas * price + value: have 0 want 21000', 'insufficient funds for transfer'],
    busy: ['txpool is full'],
    reverts: ['execution reverted: Pausable: paused'],
    rejected: ['exceeds block gas limit', 'max initcode size exceeded', 'sender not an eoa'],
  },
  /** Measured with anvil 1.7.1, but for the revert. */
  anvil: {
    accepted: ['transaction already imported'],
    'nonce-consumed': ['nonce too low'],
    'underpriced-replacement': ['replacement transaction underpriced'],
    underpriced: ['max fee per gas less than block base fee'],
    'insufficient-funds': ['Insufficient funds for gas * price + value'],
    reverts: ['execution reverted: revert: paused'],
    rejected: ['intrinsic gas too low', 'intrinsic gas too high -- tx.gas_limit > env.block.gas_limit', 'Failed to decode transaction'],
  },
  'a provider in front of a node': {
    busy: ['Too many requests', 'daily request count exceeded, request rate limited', '25/second request limit reached', 'header not found', '503 Service Unavailable', '502 Bad Gateway'],
    unknown: ['504 Gateway Timeout', 'read ECONNRESET', 'socket hang up', 'fetch failed'],
  },
};

const CASES = Object.entries(ANSWERS).flatMap(([node, byKind]) => (Object.entries(byKind) as [SendVerdictKind, readonly string[]][]).flatMap(([kind, texts]) => texts.map((text) => ({ node, kind, text }))));

describe('classifySendError', () => {
  it.each(CASES)('$node: "$text" is $kind', ({ text, kind }) => {
    expect(classifySendError(text)).toEqual({ kind });
  });

  it.each(CASES)('"$text" means the same in any case', ({ text, kind }) => {
    expect(classifySendError(text.toUpperCase())).toEqual({ kind });
    expect(classifySendError(text.toLowerCase())).toEqual({ kind });
  });

  /** A token's author writes the revert reason; it may quote any answer in the table. */
  const quoting = ['execution reverted: ', "VM Exception while processing transaction: reverted with reason string '", 'VM Exception while processing transaction: revert ', 'revert: ', 'Reverted '];
  it.each(CASES.filter(({ kind }) => kind !== 'reverts'))('a revert reason that quotes "$text" is still a revert', ({ text }) => {
    for (const prefix of quoting) expect({ prefix, ...classifySendError(`${prefix}${text}`) }).toEqual({ prefix, kind: 'reverts' });
  });

  it('never throws, and never takes a text it does not know for success', () => {
    assert(
      property(string({ maxLength: 200 }), (text) => {
        const { kind } = classifySendError(text);
        expect(kind !== 'accepted' || /known|imported|exist/i.test(text)).toBe(true);
      }),
    );
  });

  it('does not find "known transaction" inside another word', () => {
    expect(classifySendError('unknown transaction type')).toEqual({ kind: 'rejected' });
  });

  it.each(['', 'gibberish', 'Internal error'])('%j is rejected: nobody listed it', (text) => {
    expect(classifySendError(text)).toEqual({ kind: 'rejected' });
  });
});
