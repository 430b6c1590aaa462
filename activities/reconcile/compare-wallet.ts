import type { Alert } from '../../db/repositories/operations/alerts.ts';
import { listOpenAlerts, raiseAlert, resolveAlert } from '../../db/repositories/operations/alerts.ts';
import { listHalts } from '../../db/repositories/operations/halts.ts';
import { hashesOfNonces, lastCompared, readBooks, recordReconciliation } from '../../db/repositories/operations/reconciliations.ts';
import { listOutgoingMovements, markMovement } from '../../db/repositories/wallets/treasury-movements.ts';
import { getWallet, lockWallet, stopWallet } from '../../db/repositories/wallets/wallets.ts';
import { transact } from '../../db/transact.ts';
import type { Database, Queryable, Transaction } from '../../db/client.ts';
import { EngineError } from '../../domain/errors.ts';
import { OUTFLOW_CLASSES, reconcile, settledUpTo, type BlockRange, type OutflowClass, type Reconciliation, type ReconciliationInput } from '../../domain/reconciliation.ts';
import type { Settings } from '../../domain/settings.ts';
import { readFinalizedNumber, readHeader, type Hash } from '../chain/blocks.ts';
import type { Rpc } from '../chain/rpc.ts';
import type { ActivityLog } from '../failure.ts';
import { firstBlockSince } from './first-block.ts';
import { readOutflows, showsTransfer, type WalletOutflows } from './read-outflows.ts';

export interface ComparePorts {
  db: Database;
  rpc: Rpc;
  settings: Settings;
  log: ActivityLog;
}

export interface CompareOptions {
  walletAddress: string;
  /** compare from this block instead of the cursor's, and leave the cursor where it is */
  fromBlock?: number;
  /** a person asks again: movements declared only after their transfer count */
  acceptLateDeclarations?: boolean;
  /** only look: no wallet is stopped, no alert raised, no movement marked, no cursor moved */
  dryRun?: boolean;
}

/** Something a person has to look at. Amounts are base units. */
export interface Finding {
  /** `nonce`: a nonce that no transaction of the wallet used; `delegated`: code stands at its address */
  kind: 'stranger' | 'mismatch' | 'missing' | 'nonce' | 'delegated';
  txHash: string | null;
  logIndex: number | null;
  block: number | null;
  tokenAddress: string | null;
  to: string | null;
  amount: string | null;
  requestId: string | null;
  reason: string | null;
}

/** How many transfers fell into which class, and payments that are booked but not there. */
export type Counts = Record<OutflowClass | 'missing', number>;

export interface Compared {
  kind: 'compared';
  /** first and last block that was looked at */
  from: number;
  to: number;
  finalized: number;
  /** the next run goes on after this block; null when the cursor stays where it was */
  recordedTo: number | null;
  counts: Counts;
  findings: Finding[];
  /** this call stopped the wallet */
  stopped: boolean;
}

export type Comparison =
  | Compared
  /** no final block that was not compared before */
  | { kind: 'up-to-date' }
  /** the books are known to be incomplete (`npm run recover`): everything would look like a stranger's */
  | { kind: 'books-behind' };

/** Blocks compared in one go: what bounds a run after a long pause. The next run goes on where it ended. */
export const RANGE_BLOCKS_MAX = 2_000;

/**
 * Compares one chunk of final blocks of a wallet with the books, both ways. What does not fit stops the wallet for a person
 * (`HALTED`) and raises an alert, once each finding: a wallet a person let go again is not stopped for the same transfer.
 *
 * Called twice: the second call begins where the first ended; asked for the same blocks again it finds the same, marks no
 * movement a second time, and raises nothing anew. Dies in the middle: alert, halt, marks and cursor are one transaction,
 * so all stand or none does. Two at once on one wallet: the wallet's row is held while writing; both find the same.
 */
export async function compareWallet(ports: ComparePorts, options: CompareOptions): Promise<Comparison> {
  const { db, rpc, settings, log } = ports;
  const { chainId } = settings.chain;
  const { walletAddress, dryRun = false, acceptLateDeclarations = false } = options;
  const wallet = await getWallet(db, chainId, walletAddress);
  if (!dryRun && (await listHalts(db)).some(({ kind }) => kind === 'RECOVERY')) return { kind: 'books-behind' };

  const finalized = await finalizedBlock(ports);
  const cursor = await lastCompared(db, chainId, wallet.address);
  const from = options.fromBlock ?? (cursor === null ? await firstBlockSince(rpc, wallet.createdAt, finalized) : cursor + 1);
  if (from === null || from > finalized) return { kind: 'up-to-date' };
  const range: BlockRange = { from, to: Math.min(finalized, from + RANGE_BLOCKS_MAX - 1) };

  // The chain first: whatever is booked when the books are read, and was paid in this range, is in what the chain said.
  const seen = await readOutflows(rpc, wallet.address, range, (first, next) => hashesOfNonces(db, chainId, wallet.address, first, next));
  const txHashes = seen.outflows.map(({ txHash }) => txHash);
  const compare = async (queryable: Queryable, minedAtMs: ReadonlyMap<number, number>, acceptLate: boolean): Promise<Reconciliation> => {
    const books = await readBooks(queryable, chainId, wallet.address, range, txHashes);
    const movements = (await listOutgoingMovements(queryable, chainId, wallet.address, txHashes)).map((row) => ({ ...row, declaredAtMs: row.declaredAt.getTime() }));
    const input: ReconciliationInput = { range, outflows: seen.outflows, ...books, movements, acceptLateDeclarations: acceptLate, minedAtMs };
    return reconcile(input);
  };

  // What the verdict needs beside the two sides is read before any row is held.
  const draft = await compare(db, new Map(), true);
  await assertMissing(rpc, wallet.address, draft, range);
  const minedAtMs = await readTimes(rpc, draft);

  if (dryRun) return summarize(await compare(db, minedAtMs, acceptLateDeclarations), seen, range, finalized);
  const { raised, ...comparison } = await transact(db, async (tx) => {
    await lockWallet(tx, chainId, wallet.address);
    const result = await compare(tx, minedAtMs, acceptLateDeclarations);
    for (const { movementId, outflow } of result.outflows) if (movementId !== null) await markMovement(tx, movementId, outflow);
    const recordedTo = options.fromBlock === undefined ? await moveCursor(tx, chainId, wallet.address, cursor, result, range, finalized) : null;
    const summary = summarize(result, seen, range, finalized);
    await closeExplained(tx, result, summary.findings);
    return { ...summary, recordedTo, ...(await callAPerson(tx, chainId, wallet.address, summary.findings)) };
  });
  for (const alert of raised) log.error({ alert: alert.kind, wallet: wallet.address, ...alert.detail }, 'the chain and the books disagree: the wallet is halted');
  return comparison;
}

async function finalizedBlock({ rpc, settings }: ComparePorts): Promise<number> {
  const head = await readHeader(rpc, 'latest');
  const finalized = head ? await readFinalizedNumber(rpc, settings.chain, head.number) : null;
  if (finalized === null) throw new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_getBlockByNumber', reason: 'no final block now' });
  return finalized;
}

/** A log query a node answered incompletely looks like a missing payment. Its own receipt decides. */
async function assertMissing(rpc: Rpc, wallet: string, draft: Reconciliation, range: BlockRange): Promise<void> {
  for (const { paidTxHash, paidLogIndex } of draft.missing) {
    if (paidTxHash === null || paidLogIndex === null) continue;
    if (await showsTransfer(rpc, wallet, { txHash: paidTxHash as Hash, logIndex: paidLogIndex }, range)) throw new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_getLogs', reason: `left out a log of ${paidTxHash}` });
  }
}

/** When the blocks of declared movements were made. */
async function readTimes(rpc: Rpc, draft: Reconciliation): Promise<Map<number, number>> {
  const times = new Map<number, number>();
  for (const block of new Set(draft.outflows.filter((row) => row.class === 'declared').map(({ outflow }) => outflow.block))) {
    const header = await readHeader(rpc, block);
    if (header) times.set(block, header.timestampSeconds * 1_000);
  }
  return times;
}

/**
 * Records what was compared, up to the first payment that is not booked yet: it is compared once it is. Only a payment that
 * is a whole chunk old is passed over, so that one stuck withdrawal does not blind the comparison for good.
 * @returns the last block recorded, null where there is none
 */
async function moveCursor(tx: Transaction, chainId: number, walletAddress: `0x${string}`, cursor: number | null, result: Reconciliation, range: BlockRange, finalized: number): Promise<number | null> {
  const to = range.to < finalized ? range.to : settledUpTo(range, result.outflows);
  // Somebody else recorded meanwhile: their row stands.
  if (to < range.from || (await lastCompared(tx, chainId, walletAddress)) !== cursor) return null;
  const counts = countUp(result, to);
  const { stranger, mismatch, missing } = counts;
  await recordReconciliation(tx, {
    chainId,
    walletAddress,
    fromBlock: range.from,
    toBlock: to,
    transfers: OUTFLOW_CLASSES.reduce((sum, name) => sum + counts[name], 0) - counts.ignored,
    matched: counts.matched + counts.parked + counts.extra + counts.declared,
    strangers: stranger,
    missing: missing + mismatch,
  });
  return to;
}

function countUp(result: Reconciliation, lastBlock: number): Counts {
  const ofClass = (name: OutflowClass) => result.outflows.filter((row) => row.class === name && row.outflow.block <= lastBlock).length;
  return { ...(Object.fromEntries(OUTFLOW_CLASSES.map((name) => [name, ofClass(name)])) as Record<OutflowClass, number>), missing: result.missing.filter(({ spentInBlock }) => (spentInBlock ?? 0) <= lastBlock).length };
}

function summarize(result: Reconciliation, seen: WalletOutflows, range: BlockRange, finalized: number): Compared {
  const nothing = { txHash: null, logIndex: null, block: null, tokenAddress: null, to: null, amount: null, requestId: null, reason: null };
  const findings: Finding[] = [
    ...result.outflows
      .filter((row) => row.class === 'stranger' || row.class === 'mismatch')
      .map(({ outflow, class: kind, requestId, reason }): Finding => {
        const { txHash, logIndex, block, tokenAddress, to, amount } = outflow;
        return { kind: kind as 'stranger' | 'mismatch', txHash, logIndex, block, tokenAddress, to, amount: amount.toString(), requestId, reason };
      }),
    ...result.missing.map(({ requestId, paidTxHash, paidLogIndex, spentInBlock, tokenAddress, toAddress, amount }): Finding => ({ kind: 'missing', txHash: paidTxHash, logIndex: paidLogIndex, block: spentInBlock, tokenAddress, to: toAddress, amount: amount.toString(), requestId, reason: null })),
    ...seen.unusedNonces.map((nonce): Finding => ({ ...nothing, kind: 'nonce', reason: `nonce ${nonce}` })),
    ...(seen.delegated ? [{ ...nothing, kind: 'delegated' as const }] : []),
  ];
  return { kind: 'compared', ...range, finalized, recordedTo: null, counts: countUp(result, range.to), findings, stopped: false };
}

/** The alert of a finding. One transaction, one withdrawal, or the wallet is its subject, so that it calls once. */
function alertOf(finding: Finding, chainId: number, wallet: string): Alert {
  const { kind, txHash, requestId, reason, ...transfer } = finding;
  const detail = { finding: kind, wallet, txHash, requestId, reason, ...transfer };
  if (kind === 'missing' || (kind === 'mismatch' && reason === 'booked-differently')) return { kind: 'PAYMENT_MISSING', chainId, subject: requestId ?? wallet, detail };
  if (reason === 'paid-twice') return { kind: 'DOUBLE_PAYMENT', chainId, subject: requestId ?? wallet, detail };
  return { kind: 'STRANGER_TRANSFER', chainId, subject: kind === 'nonce' ? `${wallet} ${reason}` : (txHash ?? wallet), detail };
}

/** Raises the alerts, and stops the wallet for those that are new. */
async function callAPerson(tx: Transaction, chainId: number, wallet: string, findings: readonly Finding[]): Promise<{ raised: Alert[]; stopped: boolean }> {
  const raised: Alert[] = [];
  let stopped = false;
  for (const finding of findings) {
    const alert = alertOf(finding, chainId, wallet);
    if (!(await raiseAlert(tx, alert))) continue;
    raised.push(alert);
    if (await stopWallet(tx, chainId, wallet, { status: 'HALTED', reason: alert.kind })) stopped = true;
  }
  return { raised, stopped };
}

/**
 * Closes the alerts of what is explained now, by a declaration or a corrected booking. The wallet stays halted: a person
 * resumes it.
 */
async function closeExplained(tx: Transaction, result: Reconciliation, findings: readonly Finding[]): Promise<void> {
  const open = new Set(findings.flatMap(({ txHash, requestId }) => [txHash, requestId]));
  const explained = new Set(result.outflows.flatMap(({ outflow, requestId }) => [outflow.txHash, requestId]).filter((subject) => !open.has(subject)));
  for (const { kind, subject } of await listOpenAlerts(tx)) {
    const ours = kind === 'STRANGER_TRANSFER' || kind === 'PAYMENT_MISSING' || kind === 'DOUBLE_PAYMENT';
    if (ours && explained.has(subject)) await resolveAlert(tx, kind, subject);
  }
}
