import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { keccak256, Transaction, Wallet } from 'ethers';
import { describe, expect, it } from 'vitest';
import { judge } from './judge.ts';
import type { Books } from './read-books.ts';
import type { ChainFacts } from './read-chain.ts';
import { parseRecord, type RecordLine } from './record.ts';

const HOT = new Wallet(`0x${'11'.repeat(32)}`);
const WALLET = HOT.address;
const GAS_COST = 21_000n;
const START = 1_000_000n;

function sign(nonce: number, to: string, value: bigint): { txHash: string; rawTransaction: string } {
  const transaction = Transaction.from({ type: 2, chainId: 80_002, nonce, to, value, gasLimit: 21_000n, maxFeePerGas: 1n, maxPriorityFeePerGas: 1n });
  transaction.signature = HOT.signingKey.sign(transaction.unsignedHash);
  return { txHash: keccak256(transaction.serialized), rawTransaction: transaction.serialized };
}

interface World {
  record: RecordLine[];
  books: Books;
  chain: ChainFacts;
}

/** Two withdrawals of the native coin, both paid, everything as it should be. */
function soundWorld(): World {
  const world: World = {
    record: [{ type: 'run', at: 0, seed: 1, chainId: 80_002, fromBlock: 0, wallets: [{ address: WALLET, balances: [{ tokenAddress: null, amount: START.toString() }] }] }],
    books: { withdrawals: [], keys: [], nonces: [], attempts: [], funds: [], wallets: [{ address: WALLET, status: 'ACTIVE', statusReason: null, nextNonce: 2 }], openAlerts: [], halts: [] },
    chain: { fromBlock: 0, head: 9, transactions: [], transfers: [], wallets: [{ address: WALLET.toLowerCase(), latestNonce: 2, pendingNonce: 2, balances: [{ tokenAddress: null, amount: START }] }] },
  };
  for (const index of [0, 1]) pay(world, index, 100n + BigInt(index));
  return world;
}

const recipientOf = (index: number): string => `0x${String(index + 1).repeat(40)}`;

function promise(world: World, index: number, amount: bigint): void {
  const key = `key-${index}`;
  world.record.push({ type: 'posted', at: 1, key, ownerId: 1, currency: 'POL', tokenAddress: null, amount: amount.toString(), toAddress: recipientOf(index) });
  world.record.push({ type: 'accepted', at: 2, key, requestId: `tx-${index}`, repeat: false });
}

function move(world: World, amount: bigint, to: string, nonce: number, txHash: string): void {
  world.chain.transactions.push({ txHash, wallet: WALLET.toLowerCase(), nonce, blockNumber: 5, succeeded: true, gasCostWei: GAS_COST });
  if (amount > 0n) world.chain.transfers.push({ txHash, tokenAddress: null, from: WALLET.toLowerCase(), to: to.toLowerCase(), amount });
  const balance = world.chain.wallets[0]?.balances[0];
  if (balance) balance.amount -= amount + GAS_COST;
}

function pay(world: World, index: number, amount: bigint): void {
  const { books } = world;
  const requestId = `tx-${index}`;
  const signed = sign(index, recipientOf(index), amount);
  promise(world, index, amount);
  books.withdrawals.push({ requestId, currency: 'POL', tokenAddress: null, amount, toAddress: recipientOf(index), status: 'COMPLETED', walletAddress: WALLET, paidTxHash: signed.txHash, errorCode: null, createdAtMs: 2, completedAtMs: 3 });
  books.keys.push({ ownerId: 1, keyHash: createHash('sha256').update(`key-${index}`).digest('hex'), requestId });
  books.nonces.push({ id: index, walletAddress: WALLET, nonce: index, requestId, state: 'CONSUMED', consumedBy: signed.txHash });
  books.attempts.push({ requestId, reservationId: index, ordinal: 0, purpose: 'PAY', ...signed, nonce: index, fromAddress: WALLET });
  books.funds.push({ requestId, state: 'CONSUMED', amount, spentAmount: amount });
  move(world, amount, recipientOf(index), index, signed.txHash);
}

function judged(tamper: (world: World) => void): ReturnType<typeof judge> {
  const world = soundWorld();
  tamper(world);
  return judge(world.record, world.books, world.chain);
}

const first = <Item>(items: Item[]): Item => {
  const [item] = items;
  if (item === undefined) throw new Error('nothing there');
  return item;
};

describe('the checker', () => {
  it('finds nothing wrong with a sound run, and has looked at something', () => {
    const verdict = judged(() => undefined);
    expect(verdict).toMatchObject({ duplicates: 0, losses: 0, violations: [] });
    expect(verdict.invariants.find(({ title }) => title.startsWith('completed'))?.checked).toBe(2);
  });

  it.each<[string, (world: World) => void, RegExp]>([
    ['an accepted answer without a row', (world) => promise(world, 7, 5n), /has no row/],
    ['a row of another amount', ({ books }) => void (first(books.withdrawals).amount = 1n), /asked 100 POL/],
    ['one key with two withdrawals', ({ record }) => void record.push({ type: 'accepted', at: 9, key: 'key-0', requestId: 'tx-1', repeat: true }), /was answered with tx-0 and tx-1/],
    ['a conflict that was accepted', ({ record }) => void record.push({ type: 'conflict', at: 9, key: 'key-0', httpStatus: 202 }), /with another body was answered 202/],
    ['a withdrawal that never ended', ({ books }) => void (first(books.withdrawals).status = 'BROADCASTED'), /tx-0 is BROADCASTED/],
    ['a payment of a withdrawal that did not complete', ({ books }) => void (first(books.withdrawals).status = 'FAILED'), /tx-0 is FAILED, but 1 transfers reached/],
    ['a completed withdrawal that nobody was paid for', ({ chain }) => void chain.transfers.shift(), /COMPLETED with 0 transfers/],
    ['a short payment', ({ chain }) => void (first(chain.transfers).amount = 99n), /the chain shows 99/],
    ['books that name another payment', ({ books }) => void (first(books.withdrawals).paidTxHash = '0xother'), /the books say 0xother/],
    ['a transfer to a stranger', (world) => move(world, 7n, recipientOf(8), 2, '0xbad'), /whom nobody named, in 0xbad/],
    ['a cancellation nobody asked for', ({ books }) => void (first(books.withdrawals).status = 'CANCELLED'), /which nobody asked/],
    ['bytes that are not those of their hash', ({ books }) => void (first(books.attempts).rawTransaction = sign(0, recipientOf(0), 99n).rawTransaction), /is stored with bytes of/],
    ['a nonce with two owners', ({ books }) => void books.attempts.push({ ...first(books.attempts), ...sign(0, recipientOf(1), 101n), requestId: 'tx-1', ordinal: 1 }), /#0 belongs to tx-0 and tx-1/],
    ['attempts of one nonce that pay differently', ({ books }) => void books.attempts.push({ ...first(books.attempts), ...sign(0, recipientOf(1), 100n), ordinal: 1 }), /#0 pays differently/],
    ['a void that pays', ({ books }) => void books.attempts.push({ ...first(books.attempts), ...sign(0, recipientOf(0), 100n), purpose: 'VOID', ordinal: 1 }), /said to pay nothing/],
    ['a mined transaction nobody committed', (world) => move(world, 0n, WALLET, 2, '0xnobody'), /0xnobody used nonce 2/],
    ['signed bytes left over', ({ books }) => void books.attempts.push({ ...first(books.attempts), ...sign(5, recipientOf(0), 100n), nonce: 5, reservationId: 5 }), /could still be mined at nonce 5/],
    ['a pool that is not empty', ({ chain }) => void (first(chain.wallets).pendingNonce = 3), /latest 2, pending 3/],
    ['a nonce reservation left open', ({ books }) => void (first(books.nonces).state = 'SIGNED'), /#0 is still SIGNED/],
    ['a nonce the books do not know', ({ books }) => void books.nonces.shift(), /nonces 0 were mined/],
    ['a gap', ({ books }) => void (first(books.wallets).nextNonce = 4), /the books would give 4 next/],
    ['held funds of an ended withdrawal', ({ books }) => void (first(books.funds).state = 'HELD'), /still holds funds/],
    ['money that went nowhere', ({ chain }) => void (first(first(chain.wallets).balances).amount -= 1n), /paid \+ .* gas/],
    ['a halted wallet', ({ books }) => void (first(books.wallets).status = 'HALTED'), /is HALTED/],
    ['a halt left standing', ({ books }) => void books.halts.push({ scope: 'GLOBAL', target: '', kind: 'OPERATOR' }), /GLOBAL {2}is OPERATOR/],
    ['a false alarm', ({ books }) => void books.openAlerts.push({ kind: 'DOUBLE_PAYMENT', subject: 'tx-0' }), /DOUBLE_PAYMENT is open/],
  ])('sees %s', (_what, tamper, complaint) => {
    expect(judged(tamper).violations.join('\n')).toMatch(complaint);
  });

  it('counts a second payment of one withdrawal as a duplicate', () => {
    const verdict = judged((world) => {
      const second = sign(2, recipientOf(0), 100n);
      world.books.attempts.push({ ...first(world.books.attempts), ...second, nonce: 2, reservationId: 2 });
      move(world, 100n, recipientOf(0), 2, second.txHash);
    });
    expect(verdict.duplicates).toBe(1);
    expect(verdict.violations.join('\n')).toMatch(/COMPLETED with 2 transfers/);
  });

  it('counts what was accepted and is not there, not ended or not paid as lost', () => {
    expect(judged((world) => promise(world, 7, 5n)).losses).toBe(1);
    expect(judged(({ books }) => void (first(books.withdrawals).status = 'SIGNING')).losses).toBe(1);
    expect(judged(({ chain }) => void chain.transfers.shift()).losses).toBe(1);
  });

  it('knows the acts that the run declared', () => {
    const verdict = judged((world) => {
      world.record.push({ type: 'foreign', at: 5, wallet: WALLET, nonce: 2, txHash: '0xF0' }, { type: 'balance-set', at: 6, wallet: WALLET, deltaWei: '-400' });
      move(world, 0n, WALLET, 2, '0xf0');
      first(first(world.chain.wallets).balances).amount -= 400n;
      first(world.chain.wallets).latestNonce = 3;
      first(world.chain.wallets).pendingNonce = 3;
      first(world.books.wallets).nextNonce = 3;
      world.books.nonces.push({ id: 9, walletAddress: WALLET, nonce: 2, requestId: null, state: 'FOREIGN', consumedBy: null });
    });
    expect(verdict.violations).toEqual([]);
  });

  it('takes a freed nonce for the next one', () => {
    const verdict = judged((world) => {
      first(world.books.wallets).nextNonce = 3;
      world.books.nonces.push({ id: 9, walletAddress: WALLET, nonce: 2, requestId: null, state: 'FREED', consumedBy: null });
    });
    expect(verdict.violations).toEqual([]);
  });
});

describe('the record', () => {
  it('is read as it was written', () => {
    const lines = soundWorld().record;
    expect(parseRecord(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`)).toEqual(lines);
  });
});

describe("the checker's independence", () => {
  it('imports nothing of the engine: only itself, node, mysql2 and ethers', () => {
    const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
    const imports = files.flatMap((file) => [...readFileSync(`${import.meta.dirname}/${file}`, 'utf8').matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)].map(([, name]) => name));
    expect(imports.length).toBeGreaterThan(5);
    for (const name of imports) expect(name).toMatch(/^(\.\/[a-z-]+\.ts|node:[a-z]+|mysql2\/promise|ethers)$/);
  });
});
