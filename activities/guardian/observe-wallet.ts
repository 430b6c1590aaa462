import type { Redis } from 'ioredis';
import type { Address } from '../../domain/address.ts';
import { AHEAD_MAX, unexplained, type FillerView, type NonceRow, type Stranger, type WalletView } from '../../domain/guardian.ts';
import type { Settings } from '../../domain/settings.ts';
import type { Database } from '../../db/client.ts';
import { listAttempts } from '../../db/repositories/payments/attempts.ts';
import { listFillers } from '../../db/repositories/payments/fillers.ts';
import { isOurs, listOpenNonces, sumPromisedWei } from '../../db/repositories/payments/nonce-view.ts';
import { ENGINE_PAUSE, getWallet } from '../../db/repositories/wallets/wallets.ts';
import { hexQuantity, readFinalizedNumber, readCommonHead, readHeader, type Hash } from '../chain/blocks.ts';
import { findNonceConsumer } from '../chain/nonce-consumer.ts';
import { readReceipt, type Receipt } from '../chain/receipts.ts';
import type { Rpc } from '../chain/rpc.ts';
import { isKnown } from '../chain/send.ts';
import { judgeForeign } from '../foreign-outflow.ts';
import { readFrontCounter } from './front-counter.ts';

export interface ObservePorts {
  db: Database;
  redis: Redis;
  rpc: Rpc;
  settings: Settings;
  /** settled payments of a wallet whose block left the chain; without it nobody looks */
  findUndone?: (ports: { db: Database; rpc: Rpc }, chainId: number, wallet: string) => Promise<{ txHash: string; requestId: string; blockNumber: number }[]>;
}

export interface Observation {
  view: WalletView;
  receipts: ReadonlyMap<string, Receipt>;
}

/**
 * One look at a wallet, changing nothing. The order keeps two moving things comparable: the final count is read before
 * the books, so what it counts was over when the books were read; the latest count after them, so what the books saw
 * consumed it counts too; and the first nonce never given out last, so that bytes of ours in the pool are below it.
 */
export async function observeWallet(ports: ObservePorts, chainId: number, walletAddress: Address): Promise<Observation> {
  const { db, rpc, redis, settings } = ports;
  const final = await readFinal(rpc, settings, walletAddress);
  const rows = await listOpenNonces(db, chainId, walletAddress, final.from);
  const reservations = await listFillers(db, chainId, walletAddress);
  // A block two endpoints have: the fastest one's newest is not comparable yet.
  const head = await readCommonHead(rpc);
  const latest = await countAt(rpc, walletAddress, head);
  const pending = Number(await rpc.call<string>('eth_getTransactionCount', [walletAddress, 'pending']));
  const nativeWei = BigInt(await rpc.call<string>('eth_getBalance', [walletAddress, hexQuantity(head)]));
  const frontCounter = await readFrontCounter(redis, chainId, walletAddress);
  const wallet = await getWallet(db, chainId, walletAddress);

  const receipts = new Map<string, Receipt>();
  const fillers: FillerView[] = [];
  for (const reservation of reservations) {
    const attempts = await listAttempts(db, reservation.id);
    const receipt = await firstReceipt(rpc, attempts.map(({ txHash }) => txHash));
    if (receipt) receipts.set(receipt.txHash, receipt);
    const newest = attempts.at(-1);
    fillers.push({
      requestId: reservation.liveRequestId ?? '',
      nonce: reservation.nonce,
      attempts,
      receipt: receipt && { txHash: receipt.txHash, final: receipt.blockNumber <= final.block && (await readHeader(rpc, receipt.blockNumber))?.hash === receipt.blockHash },
      known: newest !== undefined && (await isKnown(rpc, newest.txHash)),
    });
  }

  return {
    receipts,
    view: {
      status: wallet.status,
      pausedForGas: wallet.status === 'PAUSED' && wallet.statusReason === `${ENGINE_PAUSE}GAS_LOW`,
      block: head,
      latest,
      pending,
      nativeWei,
      promisedWei: await sumPromisedWei(db, chainId, walletAddress),
      next: wallet.nextNonce,
      rows,
      strangers: await examine(ports, { chainId, walletAddress, rows, next: wallet.nextNonce, final }),
      fillers,
      frontCounter,
      undone: ports.findUndone ? await ports.findUndone({ db, rpc }, chainId, walletAddress) : [],
    },
  };
}

interface Final {
  block: number;
  /** nonces below it are consumed for good */
  count: number;
  /** where reading the books begins */
  from: number;
}

/** The count at the final block. While the chain names none, nothing is final, and the books are read some way back. */
async function readFinal(rpc: Rpc, settings: Settings, walletAddress: Address): Promise<Final> {
  const head = await readCommonHead(rpc);
  const block = await readFinalizedNumber(rpc, settings.chain, head);
  const count = await countAt(rpc, walletAddress, block ?? head);
  return block === null ? { block: -1, count: 0, from: Math.max(0, count - AHEAD_MAX) } : { block, count, from: count };
}

/** Two endpoints must agree, and can: the block is named by its number. */
async function countAt(rpc: Rpc, walletAddress: Address, block: number): Promise<number> {
  return Number(await rpc.agree<string>('eth_getTransactionCount', [walletAddress, hexQuantity(block)]));
}

async function firstReceipt(rpc: Rpc, hashes: readonly Hash[]): Promise<Receipt | null> {
  for (const hash of hashes) {
    const receipt = await readReceipt(rpc, hash);
    if (receipt) return receipt;
  }
  return null;
}

/** Proves, one by one, who consumed the nonces the books do not explain. A declared movement explains one of them. */
async function examine(ports: ObservePorts, wallet: { chainId: number; walletAddress: Address; rows: readonly NonceRow[]; next: number | null; final: Final }): Promise<Stranger[]> {
  const { rows, next, final } = wallet;
  const strangers: Stranger[] = [];
  const taken = new Set<number>();
  for (const nonce of unexplained({ rows, next, finalCount: final.count })) {
    const consumer = await prove(ports, wallet, nonce, taken);
    if (consumer?.movement) taken.add(consumer.movement.id);
    strangers.push({ nonce, consumer });
  }
  return strangers;
}

async function prove({ db, rpc }: ObservePorts, wallet: { chainId: number; walletAddress: Address; final: Final }, nonce: number, taken: ReadonlySet<number>): Promise<Stranger['consumer']> {
  const consumer = await findNonceConsumer(rpc, wallet.walletAddress, nonce, wallet.final.block);
  const verdict = consumer && (await judgeForeign({ db, rpc }, wallet.walletAddress, consumer, taken));
  return verdict && { ...consumer, ours: await isOurs(db, wallet.chainId, consumer.txHash), ...verdict };
}
