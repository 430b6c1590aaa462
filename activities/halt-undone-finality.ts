import { isFillerId } from '../domain/guardian.ts';
import type { Database, Transaction } from '../db/client.ts';
import { raiseAlert } from '../db/repositories/operations/alerts.ts';
import { appendEvent } from '../db/repositories/withdrawals/events.ts';
import { takeBackFinal, type FinalTransaction } from '../db/repositories/payments/final-transactions.ts';
import { listWallets, stopWallet } from '../db/repositories/wallets/wallets.ts';
import { lockWithdrawal } from '../db/repositories/withdrawals/withdrawals.ts';
import { transact } from '../db/transact.ts';
import type { Rpc } from './chain/rpc.ts';
import { findUndoneTransactions } from './chain/undone-finality.ts';
import type { ActivityLog } from './failure.ts';

export interface UndoneFinalityPorts {
  db: Database;
  rpc: Rpc;
  log: ActivityLog;
}

/**
 * Halts a wallet whose final transactions the chain has undone, and calls a person. Nothing leaves its end and nothing is
 * paid again: the withdrawals keep their status, and their timeline says what happened.
 *
 * Called twice, or by several processes: each transaction is taken back once, with one line in its timeline. Dies in the
 * middle: the wallet was halted first; the next look finds what was not yet taken back. Once a person has lifted the halt,
 * what was taken back does not halt it again.
 * @returns the transactions found undone, newest first
 */
export async function haltUndoneFinality(ports: UndoneFinalityPorts, chainId: number, wallet: string): Promise<FinalTransaction[]> {
  const { db, log } = ports;
  const undone = await findUndoneTransactions(ports, chainId, wallet);
  const [newest] = undone;
  const oldest = undone.at(-1);
  if (!newest || !oldest) return [];
  await stopWallet(db, chainId, wallet, { status: 'HALTED', reason: 'FINALITY_UNDONE' });
  const detail = { transactions: undone.length, fromBlock: oldest.blockNumber, toBlock: newest.blockNumber, txHash: oldest.txHash, requestId: oldest.requestId };
  if (await raiseAlert(db, { kind: 'FINALITY_UNDONE', chainId, subject: wallet, detail })) {
    log.error({ alert: 'FINALITY_UNDONE', chainId, wallet, ...detail }, 'the chain undid blocks it had called final: the wallet is halted, nothing is paid again');
  }
  for (const transaction of undone) await transact(db, (tx) => recordUndone(tx, chainId, transaction));
  return undone;
}

/** The same for every wallet of the chain. A wallet that cannot be judged now leaves the others judged, and throws. */
export async function haltAllUndoneFinality(ports: UndoneFinalityPorts, chainId: number): Promise<void> {
  const failures: unknown[] = [];
  for (const { address } of await listWallets(ports.db, chainId)) {
    await haltUndoneFinality(ports, chainId, address).catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

async function recordUndone(tx: Transaction, chainId: number, transaction: FinalTransaction): Promise<void> {
  const { requestId, txHash, blockNumber, blockHash } = transaction;
  // A guardian's filler belongs to no withdrawal, and has no timeline.
  if (isFillerId(requestId)) {
    await takeBackFinal(tx, chainId, transaction);
    return;
  }
  await lockWithdrawal(tx, requestId);
  if (await takeBackFinal(tx, chainId, transaction)) await appendEvent(tx, { requestId, type: 'finality undone', detail: { txHash, blockNumber, blockHash } });
}
