import { compareWallet, type Compared, type ComparePorts, type Counts, type Finding } from '../../activities/reconcile/compare-wallet.ts';
import { listWallets } from '../../db/repositories/wallets/wallets.ts';
import { sameAddress } from '../../domain/address.ts';
import { OUTFLOW_CLASSES } from '../../domain/reconciliation.ts';
import { UsageError } from '../command-line/exit-codes.ts';

export interface ReconcileOptions {
  fromBlock?: number;
  /** only this wallet */
  wallet?: string;
  dryRun: boolean;
}

export interface WalletComparison {
  wallet: string;
  /** blocks compared now; null where every final block had been */
  from: number | null;
  to: number | null;
  counts: Counts;
  findings: Finding[];
  stopped: boolean;
  booksBehind: boolean;
}

/** Compares every wallet, or one, up to the final block, chunk by chunk. */
export async function runReconcile(ports: ComparePorts, options: ReconcileOptions): Promise<WalletComparison[]> {
  const all = await listWallets(ports.db, ports.settings.chain.chainId);
  const { wallet } = options;
  const wallets = wallet === undefined ? all : all.filter(({ address }) => sameAddress(address, wallet));
  if (wallet !== undefined && wallets.length === 0) throw new UsageError(`${wallet} is no hot wallet of chain ${ports.settings.chain.chainId}`);
  const comparisons: WalletComparison[] = [];
  for (const { address } of wallets) comparisons.push(await compareAll(ports, address, options));
  return comparisons;
}

async function compareAll(ports: ComparePorts, walletAddress: string, options: ReconcileOptions): Promise<WalletComparison> {
  const counts = Object.fromEntries([...OUTFLOW_CLASSES, 'missing'].map((name) => [name, 0])) as Counts;
  const total: WalletComparison = { wallet: walletAddress, from: null, to: null, counts, findings: [], stopped: false, booksBehind: false };
  for (let fromBlock = options.fromBlock; ; ) {
    const chunk = await compareWallet(ports, { walletAddress, dryRun: options.dryRun, acceptLateDeclarations: options.fromBlock !== undefined, ...(fromBlock !== undefined && { fromBlock }) });
    if (chunk.kind !== 'compared') return { ...total, booksBehind: chunk.kind === 'books-behind' };
    add(total, chunk);
    if (chunk.to >= chunk.finalized) return total;
    // With the cursor the next chunk is the database's to say; a look that moves no cursor counts on by itself.
    if (options.fromBlock !== undefined || options.dryRun) fromBlock = chunk.to + 1;
  }
}

function add(total: WalletComparison, chunk: Compared): void {
  total.from ??= chunk.from;
  total.to = chunk.to;
  for (const name of Object.keys(total.counts) as (keyof Counts)[]) total.counts[name] += chunk.counts[name];
  total.findings.push(...chunk.findings);
  total.stopped ||= chunk.stopped;
}

/** The table's row of a wallet. */
export function tableRow({ wallet, from, to, counts, stopped, booksBehind }: WalletComparison): Record<string, string | number> {
  const transfers = OUTFLOW_CLASSES.reduce((sum, name) => sum + counts[name], 0) - counts.ignored;
  return {
    wallet,
    blocks: booksBehind ? 'books behind: run npm run recover' : from === null ? 'up to date' : `${from}–${to}`,
    transfers,
    matched: counts.matched + counts.parked + counts.extra,
    'in progress': counts['in-progress'],
    declared: counts.declared,
    strangers: counts.stranger + counts.mismatch,
    missing: counts.missing,
    ignored: counts.ignored,
    stopped: stopped ? 'HALTED' : '',
  };
}

/** One line of a finding. Amounts are base units: the token may be one nobody registered. */
export function findingLine(wallet: string, { kind, txHash, logIndex, block, tokenAddress, to, amount, requestId, reason }: Finding): string {
  const transfer = amount === null ? '' : ` ${amount} base units of ${tokenAddress ?? 'the native coin'} to ${to || 'unknown'}`;
  const where = txHash === null ? '' : ` in ${txHash}${logIndex === null || logIndex < 0 ? '' : ` log ${logIndex}`}`;
  return `${kind.toUpperCase()} ${wallet}:${transfer}${where}${block === null ? '' : ` block ${block}`}${requestId === null ? '' : ` (${requestId})`}${reason === null ? '' : ` ${reason}`}`;
}
