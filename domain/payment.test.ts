import { array, assert, bigInt, constantFrom, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgePayment, NATIVE_LOG_INDEX, TRANSFER_TOPIC, type ExpectedPayment, type MinedTransaction, type ReceiptLog } from './payment.ts';

const WALLET = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';
const RECIPIENT = '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359';
const TOKEN = '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB';
const OTHER = '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb';

const expected: ExpectedPayment = { walletAddress: WALLET, toAddress: RECIPIENT, tokenAddress: TOKEN, amount: 1_000n };
const topic = (address: string) => `0x${address.slice(2).toLowerCase().padStart(64, '0')}`;
const word = (value: bigint) => `0x${value.toString(16).padStart(64, '0')}`;

function transfer(amount: bigint, options: { token?: string; from?: string; to?: string; logIndex?: number } = {}): ReceiptLog {
  const { token = TOKEN, from = WALLET, to = RECIPIENT, logIndex = 0 } = options;
  return { address: token, topics: [TRANSFER_TOPIC, topic(from), topic(to)], data: word(amount), logIndex };
}

const mined = (logs: readonly ReceiptLog[], options: Partial<MinedTransaction> = {}): MinedTransaction => ({ succeeded: true, to: TOKEN, value: 0n, logs, ...options });
const judge = (logs: readonly ReceiptLog[], options: Partial<MinedTransaction> = {}) => judgePayment(mined(logs, options), expected);

describe('a token payment', () => {
  it('is paid by exactly its Transfer log, and names it', () => {
    expect(judge([transfer(1_000n, { logIndex: 7 })])).toEqual({ kind: 'paid', logIndex: 7 });
  });

  it('is paid among logs of others', () => {
    const logs = [transfer(1_000n, { token: OTHER, logIndex: 3 }), transfer(1_000n, { logIndex: 4 }), transfer(5n, { from: RECIPIENT, to: OTHER, logIndex: 5 })];
    expect(judge(logs)).toEqual({ kind: 'paid', logIndex: 4 });
  });

  it('knows addresses however they are spelled', () => {
    const log = transfer(1_000n);
    expect(judgePayment(mined([{ ...log, address: TOKEN.toLowerCase() }]), { ...expected, walletAddress: WALLET.toLowerCase(), toAddress: RECIPIENT.toLowerCase() })).toEqual({ kind: 'paid', logIndex: 0 });
  });

  it('is unpaid without any log: a token that answers false moves nothing', () => {
    expect(judge([])).toEqual({ kind: 'unpaid' });
  });

  it('is unpaid when the transaction failed, whatever it logged', () => {
    expect(judge([transfer(1_000n)], { succeeded: false })).toEqual({ kind: 'unpaid' });
  });

  it('is unpaid by a Transfer of another token', () => {
    expect(judge([transfer(1_000n, { token: OTHER })])).toEqual({ kind: 'unpaid' });
  });

  it.each([
    ['less than asked, a fee on transfer', [transfer(990n), transfer(10n, { to: OTHER, logIndex: 1 })], 990n],
    ['more than asked', [transfer(1_001n)], 1_001n],
    ['nothing', [transfer(0n)], 0n],
    ['to another recipient', [transfer(1_000n, { to: OTHER })], 0n],
    ['from another wallet', [transfer(1_000n, { from: OTHER })], 0n],
    ['two transfers, one of them exact', [transfer(1_000n), transfer(5n, { logIndex: 1 })], 1_005n],
    ['the exact amount twice', [transfer(1_000n), transfer(1_000n, { logIndex: 1 })], 2_000n],
    ['the exact amount in two parts', [transfer(400n), transfer(600n, { logIndex: 1 })], 1_000n],
    ['an Approval instead of a Transfer', [{ ...transfer(1_000n), topics: [`0x${'8'.repeat(64)}`, topic(WALLET), topic(RECIPIENT)] }], 0n],
    ['a Transfer with four topics, as of a collectible', [{ ...transfer(1_000n), topics: [...transfer(1_000n).topics, word(1_000n)] }], 0n],
    ['a Transfer without indexed addresses', [{ ...transfer(1_000n), topics: [TRANSFER_TOPIC] }], 0n],
    ['a Transfer without an amount', [{ ...transfer(1_000n), data: '0x' }], 0n],
    ['a Transfer with more than an amount', [{ ...transfer(1_000n), data: `${word(1_000n)}${'0'.repeat(64)}` }], 0n],
    ['no topics at all', [{ ...transfer(1_000n), topics: [] }], 0n],
  ])('%s is a mismatch that says what arrived', (_name, logs, received) => {
    expect(judge(logs)).toEqual({ kind: 'mismatch', received });
  });

  it('is paid only if the token reports that exactly the amount went from us to the recipient, once', () => {
    const party = constantFrom(WALLET, RECIPIENT, OTHER);
    const log = record({ token: constantFrom(TOKEN, OTHER), from: party, to: party, amount: bigInt({ min: 998n, max: 1_002n }) });
    assert(
      property(array(log, { maxLength: 5 }), (entries) => {
        const verdict = judge(entries.map((entry, logIndex) => transfer(entry.amount, { ...entry, logIndex })));
        const ours = entries.flatMap((entry, logIndex) => (entry.token === TOKEN && entry.from === WALLET && entry.to === RECIPIENT ? [{ ...entry, logIndex }] : []));
        const [first] = ours;
        const paid = ours.length === 1 && first?.amount === 1_000n;
        const silent = entries.every(({ token }) => token !== TOKEN);
        const received = ours.reduce((sum, { amount }) => sum + amount, 0n);
        expect(verdict).toEqual(paid ? { kind: 'paid', logIndex: first.logIndex } : silent ? { kind: 'unpaid' } : { kind: 'mismatch', received });
      }),
    );
  });
});

describe('a native payment', () => {
  const native = { ...expected, tokenAddress: null };
  const send = (options: Partial<MinedTransaction>) => judgePayment(mined([], { to: RECIPIENT, value: 1_000n, ...options }), native);

  it('is paid by the transaction itself', () => {
    expect(send({})).toEqual({ kind: 'paid', logIndex: NATIVE_LOG_INDEX });
    expect(send({ to: RECIPIENT.toLowerCase() })).toEqual({ kind: 'paid', logIndex: NATIVE_LOG_INDEX });
  });

  it('is paid to a contract that logs on receiving', () => {
    expect(send({ logs: [transfer(1n)] })).toEqual({ kind: 'paid', logIndex: NATIVE_LOG_INDEX });
  });

  it('is unpaid when it failed', () => {
    expect(send({ succeeded: false })).toEqual({ kind: 'unpaid' });
  });

  it.each([
    ['another value', { value: 999n }],
    ['another recipient', { to: OTHER }],
    ['a contract creation', { to: null }],
  ])('%s is a mismatch', (_name, options) => {
    expect(send(options)).toEqual({ kind: 'mismatch', received: 0n });
  });
});
