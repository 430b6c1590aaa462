import { formatEther } from 'ethers';
import type { Rpc } from '../../activities/chain/rpc.ts';
import type { Database } from '../../db/client.ts';
import { listOpenAlertsOfWallet } from '../../db/repositories/operations/alerts.ts';
import { isBusy } from '../../db/repositories/wallets/wallet-load.ts';
import { moveWallet } from '../../db/repositories/wallets/wallet-moves.ts';
import { listWallets, type WalletRow } from '../../db/repositories/wallets/wallets.ts';
import type { Address } from '../../domain/address.ts';
import type { WalletMove } from '../../domain/wallet-moves.ts';
import { auditedByCommand, type CommandTrail } from '../audit/audited-by-command.ts';
import { EXIT } from '../command-line/exit-codes.ts';
import { readNonceView, type NonceView } from './nonce-view.ts';
import { table } from '../command-line/table.ts';

/** What every command works with. */
export interface WalletsContext {
  readonly chainId: number;
  readonly db: Database;
  readonly rpc: Rpc;
  readonly print: (line: string) => void;
}

const COLUMNS = ['address', 'status', 'reason', 'coins', 'latest', 'pending', 'next', 'in flight', 'gaps', 'open alerts'];
const UNKNOWN = '?';

/** Prints a table of the wallets. Without the chain its columns stay open, and the exit code says so. */
export async function listCommand({ chainId, db, rpc, print }: WalletsContext): Promise<number> {
  const wallets = await listWallets(db, chainId);
  if (wallets.length === 0) {
    print(`no wallets on chain ${chainId}`);
    return EXIT.ok;
  }
  let exitCode: number = EXIT.ok;
  const rows: string[][] = [];
  for (const wallet of wallets) {
    const view = await readNonceView(db, rpc, wallet).catch(() => null);
    if (view === null) exitCode = EXIT.unavailable;
    const alerts = (await listOpenAlertsOfWallet(db, wallet.address)).map(({ kind }) => kind);
    const drained = wallet.status === 'DRAINING' && !(await isBusy(db, chainId, wallet.address as Address));
    rows.push([wallet.address, drained ? 'DRAINING (drained)' : wallet.status, wallet.statusReason ?? '', ...cellsOf(view, wallet), alerts.join(' ')]);
  }
  for (const line of table(COLUMNS, rows)) print(line);
  if (exitCode === EXIT.unavailable) print('the chain could not be read');
  return exitCode;
}

function cellsOf(view: NonceView | null, { nextNonce }: WalletRow): string[] {
  const next = nextNonce === null ? '-' : String(nextNonce);
  if (!view) return [UNKNOWN, UNKNOWN, UNKNOWN, next, UNKNOWN, UNKNOWN];
  return [formatEther(view.nativeWei), String(view.latest), String(view.pending), next, String(view.inFlight), view.gaps.join(' ')];
}

/** A person's word on one wallet: see `moveWallet`. */
export async function moveCommand(context: WalletsContext, move: WalletMove, address: string, reason: string): Promise<number> {
  return auditedByCommand(context.db, { command: `wallets ${move}`, action: `wallet.${move}`, target: { kind: 'wallet', id: address } }, (trail) => moveIt(context, { move, address, reason }, trail));
}

async function moveIt({ chainId, db, print }: WalletsContext, { move, address, reason }: { move: WalletMove; address: string; reason: string }, trail: CommandTrail): Promise<number> {
  const result = await moveWallet(db, chainId, address, move, { by: 'hand', reason });
  switch (result.kind) {
    case 'unknown':
      print(`there is no wallet ${address} on chain ${chainId}`);
      return EXIT.failed;
    case 'refused':
      print(`${address} is ${result.status}: ${move} would weaken that`);
      return EXIT.failed;
    case 'moved':
      trail.before({ status: result.from });
      trail.after({ status: result.wallet.status, reason });
      print(`${result.wallet.address} ${result.from} -> ${result.wallet.status}`);
      return EXIT.ok;
    default:
      return result satisfies never;
  }
}
