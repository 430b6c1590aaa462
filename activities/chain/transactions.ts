import { Transaction } from 'ethers';
import { parseAddress, type Address } from '../../domain/address.ts';
import type { Hash } from './blocks.ts';
import { RpcAnswerError, type Rpc } from './rpc.ts';

/** A transaction as a node shows it, mined or waiting. */
export interface ChainTransaction {
  hash: Hash;
  from: Address;
  /** null when it creates a contract */
  to: Address | null;
  nonce: number;
  /** wei */
  value: bigint;
  /** call data, `0x` for none */
  input: string;
  gasLimit: bigint;
  /** wei per gas; both are the gas price for a transaction of an older type */
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
  /** null while it waits */
  blockNumber: number | null;
}

interface RawTransaction {
  hash: Hash;
  from: string;
  to: string | null;
  nonce: string;
  value: string;
  input: string;
  gas: string;
  gasPrice?: string;
  maxFeePerGas?: string;
  maxPriorityFeePerGas?: string;
  blockNumber: string | null;
  type: string;
  chainId?: string;
  accessList?: { address: string; storageKeys: string[] }[];
  r: string;
  s: string;
  yParity?: string;
  v: string;
}

const lower = (address: string) => parseAddress(address.toLowerCase());

/** A transaction by its hash, as one endpoint shows it. Null means only that this node does not show it now. */
export async function readTransaction(rpc: Rpc, txHash: Hash): Promise<ChainTransaction | null> {
  const raw = await rpc.call<RawTransaction | null>('eth_getTransactionByHash', [txHash]);
  return raw && parse(raw);
}

/**
 * A mined transaction by its hash: what it moves, and to whom, two endpoints must show alike, where two are there. Null when they
 * do not show one. Throws `CHAIN_UNAVAILABLE` while they differ.
 */
export async function readMinedTransaction(rpc: Rpc, txHash: Hash): Promise<ChainTransaction | null> {
  const raw = await rpc.agree<RawTransaction | null>('eth_getTransactionByHash', [txHash], (shown) => shown && movementOf(parse(shown)));
  return raw && parse(raw);
}

/** True when signed bytes are those of the transaction a node shows: the bytes prove their hash, what is shown beside it proves nothing. */
export function isSignedBy(rawTransaction: string, transaction: ChainTransaction): boolean {
  const { hash, from, to, nonce, value, data: input, gasLimit } = Transaction.from(rawTransaction);
  const signed = { hash, from: from && lower(from), to: to && lower(to), nonce, value, input, gasLimit };
  return Object.entries(movementOf(transaction)).every(([field, shown]) => signed[field as keyof typeof signed] === shown);
}

/** What clients show alike, and money follows. */
function movementOf({ hash, from, to, nonce, value, input, gasLimit }: ChainTransaction) {
  return { hash: hash.toLowerCase(), from, to, nonce, value, input: input.toLowerCase(), gasLimit };
}

function parse(raw: RawTransaction): ChainTransaction {
  return {
    hash: raw.hash,
    from: lower(raw.from),
    to: raw.to === null ? null : lower(raw.to),
    nonce: Number(raw.nonce),
    value: BigInt(raw.value),
    input: raw.input,
    gasLimit: BigInt(raw.gas),
    maxFeePerGas: BigInt(raw.maxFeePerGas ?? raw.gasPrice ?? '0x0'),
    maxPriorityFeePerGas: BigInt(raw.maxPriorityFeePerGas ?? raw.gasPrice ?? '0x0'),
    blockNumber: raw.blockNumber === null ? null : Number(raw.blockNumber),
  };
}

/**
 * The signed bytes of a transaction a node knows: asked for as such where the node can say, else put together again from
 * its fields and signature (EIP-1559). Either way only bytes whose hash is the one asked for are returned; null when there are none.
 */
export async function readRawTransaction(rpc: Rpc, txHash: Hash): Promise<string | null> {
  const asked = await ask(rpc, txHash);
  if (asked !== null && hashOf(asked) === txHash) return asked;
  const raw = await rpc.call<RawTransaction | null>('eth_getTransactionByHash', [txHash]);
  if (!raw || Number(raw.type) !== 2) return null;
  const rebuilt = Transaction.from({
    type: 2,
    chainId: BigInt(raw.chainId ?? rpc.chainId),
    nonce: Number(raw.nonce),
    to: raw.to,
    value: BigInt(raw.value),
    data: raw.input,
    gasLimit: BigInt(raw.gas),
    maxFeePerGas: BigInt(raw.maxFeePerGas ?? 0),
    maxPriorityFeePerGas: BigInt(raw.maxPriorityFeePerGas ?? 0),
    accessList: raw.accessList ?? [],
    signature: { r: word(raw.r), s: word(raw.s), yParity: Number(raw.yParity ?? raw.v) === 0 ? 0 : 1 },
  }).serialized;
  return hashOf(rebuilt) === txHash ? rebuilt : null;
}

async function ask(rpc: Rpc, txHash: Hash): Promise<string | null> {
  try {
    const bytes = await rpc.call<string | null>('eth_getRawTransactionByHash', [txHash]);
    return bytes !== null && /^0x[0-9a-f]+$/i.test(bytes) ? bytes : null;
  } catch (error) {
    // Many nodes do not serve the method at all.
    if (error instanceof RpcAnswerError) return null;
    throw error;
  }
}

function hashOf(bytes: string): string | null {
  try {
    return Transaction.from(bytes).hash;
  } catch {
    return null;
  }
}

/** Nodes write `r` and `s` as quantities, without leading zeros. */
function word(quantity: string): string {
  return `0x${quantity.slice(2).padStart(64, '0')}`;
}
