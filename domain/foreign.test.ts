import { describe, expect, it } from 'vitest';
import { movesValue, soleTransferOf } from './foreign.ts';
import { NATIVE_LOG_INDEX, TRANSFER_TOPIC, type ReceiptLog } from './payment.ts';

const WALLET = '0x00000000000000000000000000000000000000Aa';
const OTHER = '0x00000000000000000000000000000000000000Bb';

describe('movesValue', () => {
  it.each([
    ['a send of nothing to itself', { to: WALLET, value: 0n, input: '0x' }, false],
    ['a send to itself, in another spelling', { to: WALLET.toLowerCase(), value: 5n, input: '0x' }, false],
    ['a send of nothing to another', { to: OTHER, value: 0n, input: '0x' }, false],
    ['a send to another', { to: OTHER, value: 1n, input: '0x' }, true],
    ['any call', { to: OTHER, value: 0n, input: '0xa9059cbb' }, true],
    ['a call of itself', { to: WALLET, value: 0n, input: '0x01' }, true],
    ['a new contract', { to: null, value: 0n, input: '0x60' }, true],
    ['value into nothing', { to: null, value: 1n, input: '0x' }, true],
  ])('%s', (_what, transaction, expected) => {
    expect(movesValue(transaction, WALLET)).toBe(expected);
  });
});

describe('the sole transfer', () => {
  const TOKEN = '0x00000000000000000000000000000000000000Cc';
  const topic = (address: string) => `0x${address.slice(2).toLowerCase().padStart(64, '0')}`;
  const log = (logIndex: number, fields: { address?: string; from?: string; to?: string; amount?: bigint; topics?: string[] } = {}): ReceiptLog => {
    const { address = TOKEN, from = WALLET, to = OTHER, amount = 5n } = fields;
    return { address, topics: fields.topics ?? [TRANSFER_TOPIC, topic(from), topic(to)], data: `0x${amount.toString(16).padStart(64, '0')}`, logIndex };
  };
  const token = { walletAddress: WALLET, toAddress: OTHER, tokenAddress: TOKEN, amount: 5n };
  const native = { ...token, tokenAddress: null };
  const call = { succeeded: true, to: TOKEN, value: 0n };

  it.each([
    ['one log, exactly', { ...call, logs: [log(3)] }, token, 3],
    ['and others of other accounts', { ...call, logs: [log(2, { from: OTHER, to: WALLET }), log(3)] }, token, 3],
    ['another amount', { ...call, logs: [log(3, { amount: 6n })] }, token, null],
    ['another recipient', { ...call, logs: [log(3, { to: TOKEN })] }, token, null],
    ['twice', { ...call, logs: [log(3), log(4)] }, token, null],
    ['and a second token', { ...call, logs: [log(3), log(4, { address: OTHER })] }, token, null],
    ['and one of an odd shape', { ...call, logs: [log(3), log(4, { address: OTHER, topics: [TRANSFER_TOPIC, topic(WALLET), topic(OTHER), topic(OTHER)] })] }, token, null],
    ['no log at all', { ...call, logs: [] }, token, null],
    ['undone', { ...call, succeeded: false, logs: [] }, token, null],
    ['the coin', { succeeded: true, to: OTHER, value: 5n, logs: [] }, native, NATIVE_LOG_INDEX],
    ['another amount of the coin', { succeeded: true, to: OTHER, value: 6n, logs: [] }, native, null],
    ['the coin, and a token by an allowance', { succeeded: true, to: OTHER, value: 5n, logs: [log(0)] }, native, null],
  ])('%s', (_what, mined, expected, logIndex) => {
    expect(soleTransferOf(mined, expected)).toBe(logIndex);
  });
});
