import { array, assert, bigInt, boolean, constantFrom, nat, property, record, shuffledSubarray } from 'fast-check';
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
    ['a recipient with more bytes than an address has', [{ ...transfer(1_000n), topics: [TRANSFER_TOPIC, topic(WALLET), topic(RECIPIENT).replace('0x0', '0x1')] }], 0n],
    ['a sender with fewer', [{ ...transfer(1_000n), topics: [TRANSFER_TOPIC, WALLET, topic(RECIPIENT)] }], 0n],
    ['to ourselves', [transfer(1_000n, { to: WALLET })], 0n],
    ['from the recipient to itself', [transfer(1_000n, { from: RECIPIENT })], 0n],
    ['a refund of the whole amount only', [transfer(1_000n, { from: RECIPIENT, to: WALLET })], 0n],
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

describe('the rule for token payments, whatever a token logs', () => {
  const UINT_MAX = 2n ** 256n - 1n;
  const APPROVAL = `0x${'8'.repeat(64)}`;
  const party = constantFrom(WALLET, RECIPIENT, OTHER);
  /** Logs of every shape: any contract, any event, any parties, ours among them, with topics and data that may be too short or too long. */
  const anyLog = record({
    token: constantFrom(TOKEN, TOKEN.toLowerCase(), OTHER),
    from: party,
    to: party,
    amount: constantFrom(0n, 1n, 999n, 1_000n, 1_001n, UINT_MAX),
    event: constantFrom(TRANSFER_TOPIC, TRANSFER_TOPIC, APPROVAL),
    topics: constantFrom('whole', 'whole', 'whole', 'short', 'long', 'none', 'dirty'),
    data: constantFrom('word', 'word', 'word', 'empty', 'two words', 'half a word'),
  });
  type AnyLog = ReturnType<typeof shapeOf>;
  function shapeOf(log: { token: string; from: string; to: string; amount: bigint; event: string; topics: string; data: string }, logIndex = 0) {
    const whole = [log.event, topic(log.from), topic(log.to)];
    const topics = { whole, short: whole.slice(0, 2), long: [...whole, word(log.amount)], none: [], dirty: [log.event, topic(log.from).replace('0x00', '0xff'), topic(log.to)] }[log.topics] ?? whole;
    const data = { word: word(log.amount), empty: '0x', 'two words': `${word(log.amount)}${'0'.repeat(64)}`, 'half a word': word(log.amount).slice(0, 34) }[log.data] ?? '0x';
    return { address: log.token, topics, data, logIndex, source: log };
  }
  const isOurs = ({ source }: AnyLog) => source.token !== OTHER && source.event === TRANSFER_TOPIC && source.topics === 'whole' && source.data === 'word' && source.from === WALLET && source.to === RECIPIENT;

  it('is paid by exactly one well-formed Transfer of the amount from us to the recipient, and by nothing else', () => {
    assert(
      property(array(anyLog, { maxLength: 6 }), constantFrom(0n, 1n, 1_000n, UINT_MAX), (raw, amount) => {
        const logs = raw.map((log, index) => shapeOf(log, index));
        const ours = logs.filter(isOurs);
        const verdict = judgePayment(mined(logs), { ...expected, amount });
        if (ours.length === 1 && ours[0]?.source.amount === amount) expect(verdict).toEqual({ kind: 'paid', logIndex: ours[0].logIndex });
        else if (logs.every(({ source }) => source.token === OTHER)) expect(verdict).toEqual({ kind: 'unpaid' });
        else expect(verdict).toEqual({ kind: 'mismatch', received: ours.reduce((sum, { source }) => sum + source.amount, 0n) });
      }),
      { numRuns: 2_000 },
    );
  });

  it('pays any amount whose log says just that, zero and the largest among them, and no other', () => {
    const amounts = bigInt({ min: 0n, max: UINT_MAX });
    assert(
      property(amounts, amounts, (asked, logged) => {
        expect(judgePayment(mined([transfer(asked)]), { ...expected, amount: asked })).toEqual({ kind: 'paid', logIndex: 0 });
        const verdict = judgePayment(mined([transfer(logged)]), { ...expected, amount: asked });
        expect(verdict).toEqual(logged === asked ? { kind: 'paid', logIndex: 0 } : { kind: 'mismatch', received: logged });
      }),
    );
  });

  it('does not change with what other contracts log, nor with the order of the logs', () => {
    assert(
      property(
        array(anyLog, { maxLength: 4 }).chain((raw) => {
          const logs = raw.map((log, index) => shapeOf(log, index));
          return record({ logs: constantFrom(logs), shuffled: shuffledSubarray(logs, { minLength: logs.length }), noise: array(anyLog, { maxLength: 4 }), at: nat(4) });
        }),
        ({ logs, shuffled, noise, at }) => {
          const others = noise.map((log, index) => shapeOf({ ...log, token: OTHER }, 100 + index));
          expect(judge([...logs.slice(0, at), ...others, ...logs.slice(at)])).toEqual(judge(logs));
          expect(judge(shuffled)).toEqual(judge(logs));
        },
      ),
    );
  });

  it('is never paid, nor half paid, by a transaction that failed', () => {
    assert(property(array(anyLog, { maxLength: 4 }), boolean(), (raw, native) => {
      const logs = raw.map((log, index) => shapeOf(log, index));
      expect(judgePayment(mined(logs, { succeeded: false, to: RECIPIENT, value: 1_000n }), native ? { ...expected, tokenAddress: null } : expected)).toEqual({ kind: 'unpaid' });
    }));
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
