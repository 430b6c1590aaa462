import { Transaction, Wallet } from 'ethers';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../domain/address.ts';
import type { Hash } from './blocks.ts';
import { isSignedBy, type ChainTransaction } from './transactions.ts';

const ADDRESS = parseAddress('0x00000000000000000000000000000000000000aa');

async function signed(change: { to?: string | null; data?: string } = {}): Promise<{ raw: string; shown: ChainTransaction }> {
  const wallet = Wallet.createRandom();
  const fields = { type: 2, chainId: 80_002, nonce: 7, to: ADDRESS as string | null, value: 5n, data: '0xa9059cbb', gasLimit: 60_000n, maxFeePerGas: 9n, maxPriorityFeePerGas: 2n, ...change };
  const raw = await wallet.signTransaction(fields);
  const { hash } = Transaction.from(raw);
  const { nonce, to, value, data, gasLimit, maxFeePerGas, maxPriorityFeePerGas } = fields;
  return { raw, shown: { hash: hash as Hash, from: parseAddress(wallet.address), to: to as ChainTransaction['to'], nonce, value, input: data, gasLimit, maxFeePerGas, maxPriorityFeePerGas, blockNumber: null } };
}

describe('what a node shows of a transaction', () => {
  it('is held against the signed bytes, whatever the spelling', async () => {
    const { raw, shown } = await signed();
    expect(isSignedBy(raw, shown)).toBe(true);
    expect(isSignedBy(raw, { ...shown, input: shown.input.toUpperCase().replace('0X', '0x'), maxFeePerGas: 1n, blockNumber: 3 })).toBe(true);
    const creating = await signed({ to: null, data: '0x6000' });
    expect(isSignedBy(creating.raw, creating.shown)).toBe(true);
  });

  it.each<[string, Partial<ChainTransaction>]>([
    ['recipient', { to: parseAddress('0x00000000000000000000000000000000000000bb') }],
    ['absence of a recipient', { to: null }],
    ['sender', { from: ADDRESS }],
    ['nonce', { nonce: 8 }],
    ['value', { value: 0n }],
    ['call', { input: '0x' }],
    ['gas limit', { gasLimit: 21_000n }],
    ['hash', { hash: `0x${'1'.repeat(64)}` }],
  ])('is refused for another %s', async (_what, lie) => {
    const { raw, shown } = await signed();
    expect(isSignedBy(raw, { ...shown, ...lie })).toBe(false);
  });
});
