import { keccak256, Transaction } from 'ethers';
import { sameAddress } from '../../domain/address.ts';
import { EngineError } from '../../domain/errors.ts';
import type { SignedTransaction, TransactionToSign } from './signer.ts';

/**
 * Checks signed bytes from the outside, as a node would read them: each field is what was asked, the recovered sender
 * is the wallet, and the hash is the hash of these very bytes. For every signer, on both sides of its border.
 *
 * @throws EngineError `INTERNAL` with the name of what differs
 */
export function assertSignedTransaction(signed: SignedTransaction, asked: { readonly address: string; readonly transaction: TransactionToSign }): void {
  const { transaction } = asked;
  const read = parse(signed.rawTransaction);
  const holds: Record<string, boolean> = {
    type: read.type === 2,
    to: read.to !== null && sameAddress(read.to, transaction.to),
    value: read.value === transaction.value,
    data: read.data.toLowerCase() === transaction.data.toLowerCase(),
    nonce: read.nonce === transaction.nonce,
    gasLimit: read.gasLimit === transaction.gasLimit,
    maxFeePerGas: read.maxFeePerGas === transaction.maxFeePerGas,
    maxPriorityFeePerGas: read.maxPriorityFeePerGas === transaction.maxPriorityFeePerGas,
    chainId: read.chainId === BigInt(transaction.chainId),
    accessList: (read.accessList ?? []).length === 0,
    sender: read.from !== null && sameAddress(read.from, asked.address),
    hash: keccak256(signed.rawTransaction) === signed.txHash && read.hash === signed.txHash,
  };
  const broken = Object.keys(holds).filter((name) => holds[name] !== true);
  if (broken.length > 0) throw new EngineError('INTERNAL', { reason: 'signed-transaction-differs', fields: broken.join(' ') });
}

function parse(rawTransaction: string): Transaction {
  try {
    return Transaction.from(rawTransaction);
  } catch (cause) {
    throw new EngineError('INTERNAL', { reason: 'signed-transaction-unreadable' }, { cause });
  }
}
