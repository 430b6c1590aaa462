import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { RpcAnswerError } from '../../activities/chain/rpc.ts';
import type { Finding } from '../../activities/reconcile/compare-wallet.ts';
import { EngineError } from '../../domain/errors.ts';
import { UsageError } from '../command-line/exit-codes.ts';
import { booksConfig, chainConfig } from './config.ts';
import { exitCodeOf, reasonOf } from './failure.ts';
import { findingLine, tableRow, type WalletComparison } from './run.ts';

const counts = { matched: 4, parked: 1, extra: 2, 'in-progress': 3, declared: 5, ignored: 100, mismatch: 1, stranger: 2, missing: 6 };
const comparison: WalletComparison = { wallet: '0xA', from: 5, to: 9, counts, findings: [], stopped: true, booksBehind: false };
const finding: Finding = { kind: 'stranger', txHash: '0xbeef', logIndex: 2, block: 7, tokenAddress: '0xT', to: '0xB', amount: '12', requestId: null, reason: null };

describe('the table', () => {
  it('counts each transfer once, and what moved nothing apart', () => {
    expect(tableRow(comparison)).toEqual({ wallet: '0xA', blocks: '5–9', transfers: 18, matched: 7, 'in progress': 3, declared: 5, strangers: 3, missing: 6, ignored: 100, stopped: 'HALTED' });
  });

  it('says when there was nothing new, or no books to compare with', () => {
    expect(tableRow({ ...comparison, from: null, to: null, stopped: false })).toMatchObject({ blocks: 'up to date', stopped: '' });
    expect(tableRow({ ...comparison, from: null, to: null, booksBehind: true })['blocks']).toContain('npm run recover');
  });

  it('names what a person needs to find a transfer', () => {
    expect(findingLine('0xA', finding)).toBe('STRANGER 0xA: 12 base units of 0xT to 0xB in 0xbeef log 2 block 7');
    expect(findingLine('0xA', { ...finding, tokenAddress: null, logIndex: -1 })).toBe('STRANGER 0xA: 12 base units of the native coin to 0xB in 0xbeef block 7');
    expect(findingLine('0xA', { ...finding, kind: 'mismatch', requestId: 'tx-1', reason: 'paid-twice' })).toContain('(tx-1) paid-twice');
    expect(findingLine('0xA', { ...finding, kind: 'nonce', txHash: null, logIndex: null, block: null, amount: null, reason: 'nonce 3' })).toBe('NONCE 0xA: nonce 3');
  });
});

describe('where it works', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reconcile-config-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is the environment, or the sandbox, never a mixture of two', () => {
    expect(() => chainConfig({ SANDBOX_DIR: folder })).toThrow(UsageError);
    expect(() => booksConfig({ SANDBOX_DIR: folder })).toThrow(/npm start/);
    writeFileSync(join(folder, 'credentials.json'), JSON.stringify({ databaseUrl: 'mysql://sandbox', rpcUrl: 'http://sandbox' }));
    expect(chainConfig({ SANDBOX_DIR: folder })).toMatchObject({ databaseUrl: 'mysql://sandbox', rpcUrls: ['http://sandbox'], settings: { chain: { chainId: 80_002 } } });
    expect(chainConfig({ SANDBOX_DIR: folder, DATABASE_URL: 'mysql://own', POLYGON_RPC_URL: 'http://a, http://b' })).toMatchObject({ databaseUrl: 'mysql://own', rpcUrls: ['http://a', 'http://b'] });
    expect(() => chainConfig({ SANDBOX_DIR: folder, DATABASE_URL: 'mysql://own' })).toThrow(/POLYGON_RPC_URL/);
    expect(() => booksConfig({ SANDBOX_DIR: folder, SETTINGS_FILE: join(folder, 'none.json') })).toThrow(/settings cannot be read/);
  });
});

it('ends with a code that says whose turn it is, and no query in its text', () => {
  expect(exitCodeOf(new UsageError('x'))).toBe(2);
  expect(exitCodeOf(new EngineError('INVALID_ADDRESS'))).toBe(2);
  expect(exitCodeOf(new EngineError('CHAIN_UNAVAILABLE'))).toBe(3);
  expect(exitCodeOf(new RpcAnswerError('eth_getLogs', { code: 1, message: 'no' }))).toBe(3);
  expect(exitCodeOf(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))).toBe(3);
  expect(exitCodeOf(new Error('x'))).toBe(1);
  expect(reasonOf(new Error('Failed query: select secret', { cause: new Error('gone\naway') }))).toBe('the database: gone');
});
