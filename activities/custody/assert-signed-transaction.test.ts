import { keccak256, Signature, Transaction, Wallet } from 'ethers';
import { describe, expect, it } from 'vitest';
import { assertSignedTransaction } from './assert-signed-transaction.ts';
import type { Hex, TransactionToSign } from './signer.ts';

const wallet = new Wallet(`0x${'11'.repeat(32)}`);
const asked: TransactionToSign = {
  to: '0x52908400098527886E0F7030069857D2E4169EE7',
  value: 5n,
  data: '0xABCD',
  nonce: 7,
  gasLimit: 90_000n,
  maxFeePerGas: 60n,
  maxPriorityFeePerGas: 30n,
  chainId: 80002,
};
const owner = { address: wallet.address, transaction: asked };

function signed(changes: object = {}) {
  const transaction = Transaction.from({ ...asked, type: 2, ...changes });
  transaction.signature = wallet.signingKey.sign(transaction.unsignedHash);
  return { rawTransaction: transaction.serialized as Hex, txHash: transaction.hash as Hex };
}

describe('assertSignedTransaction', () => {
  it('accepts what was asked', () => {
    expect(() => assertSignedTransaction(signed(), owner)).not.toThrow();
  });

  it.each([
    ['to', { to: '0x0000000000000000000000000000000000000001' }],
    ['to', { to: null }],
    ['value', { value: 6n }],
    ['data', { data: '0xabce' }],
    ['nonce', { nonce: 8 }],
    ['gasLimit', { gasLimit: 90_001n }],
    ['maxFeePerGas', { maxFeePerGas: 61n }],
    ['maxPriorityFeePerGas', { maxPriorityFeePerGas: 31n }],
    ['chainId', { chainId: 137 }],
    ['accessList', { accessList: [{ address: '0x0000000000000000000000000000000000000001', storageKeys: [] }] }],
  ])('refuses another %s', (field, changes) => {
    expect(() => assertSignedTransaction(signed(changes), owner)).toThrow(new RegExp(`differs, fields=${field}\\)`));
  });

  it('refuses another type', () => {
    const legacy = Transaction.from({ to: asked.to, value: asked.value, data: asked.data, nonce: asked.nonce, gasLimit: asked.gasLimit, gasPrice: 60n, chainId: asked.chainId, type: 0 });
    legacy.signature = wallet.signingKey.sign(legacy.unsignedHash);
    expect(() => assertSignedTransaction({ rawTransaction: legacy.serialized as Hex, txHash: legacy.hash as Hex }, owner)).toThrow(/fields=type/);
  });

  it('refuses another sender', () => {
    const stranger = Wallet.createRandom().address;
    expect(() => assertSignedTransaction(signed(), { ...owner, address: stranger })).toThrow(/fields=sender\)/);
  });

  it('refuses another hash', () => {
    expect(() => assertSignedTransaction({ ...signed(), txHash: keccak256('0x00') as Hex }, owner)).toThrow(/fields=hash\)/);
  });

  it('refuses bytes that are no signed transaction', () => {
    expect(() => assertSignedTransaction({ ...signed(), rawTransaction: '0x02ff' }, owner)).toThrow(/unreadable/);
    const unsigned = Transaction.from({ ...asked, type: 2 }).unsignedSerialized as Hex;
    expect(() => assertSignedTransaction({ rawTransaction: unsigned, txHash: keccak256(unsigned) as Hex }, owner)).toThrow(/sender/);
  });

  it('refuses a signature changed by one bit', () => {
    const transaction = Transaction.from(signed().rawTransaction);
    const { r, s, yParity } = transaction.signature as Signature;
    const flipped = `0x${(BigInt(s) ^ 1n).toString(16).padStart(64, '0')}`;
    transaction.signature = Signature.from({ r, s: flipped, yParity });
    expect(() => assertSignedTransaction({ rawTransaction: transaction.serialized as Hex, txHash: transaction.hash as Hex }, owner)).toThrow(/sender|unreadable/);
  });
});
