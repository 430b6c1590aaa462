import { formatEther } from 'ethers';
import type { Rpc } from '../../activities/chain/rpc.ts';
import type { Database } from '../../db/client.ts';
import { listOpenAlerts, resolveAlert } from '../../db/repositories/alerts.ts';
import { listWallets, lockWallet, setWalletStatus, type WalletRow } from '../../db/repositories/wallets.ts';
import { transact } from '../../db/transact.ts';
import { sameAddress } from '../../domain/address.ts';
import type { AlertKind } from '../../domain/alerts.ts';
import type { WalletStatus } from '../../domain/status.ts';
import { EXIT } from '../keys/exit-codes.ts';
import { readNonceView, type NonceView } from './nonce-view.ts';
import { table } from './table.ts';

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
    const alerts = (await listOpenAlerts(db, wallet.address)).map(({ kind }) => kind);
    rows.push([wallet.address, wallet.status, wallet.statusReason ?? '', ...cellsOf(view, wallet), alerts.join(' ')]);
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

/** From which statuses a person may move a wallet by each command. A pause does not weaken a halt. */
const MOVES = {
  pause: { to: 'PAUSED', from: ['ACTIVE', 'DRAINING', 'PAUSED'] },
  halt: { to: 'HALTED', from: ['ACTIVE', 'DRAINING', 'PAUSED', 'HALTED'] },
  resume: { to: 'ACTIVE', from: ['PAUSED', 'HALTED', 'DRAINING', 'ACTIVE'] },
} as const satisfies Record<string, { to: WalletStatus; from: readonly WalletStatus[] }>;
export type Move = keyof typeof MOVES;

/** Alerts that only a person ends: taking a halted wallet back into use is saying that they were looked into. */
const ENDED_BY_A_PERSON: readonly AlertKind[] = ['FOREIGN_OUTFLOW', 'FINALITY_UNDONE', 'STRANGER_TRANSFER', 'PAYMENT_MISSING'];

/**
 * A person's word on one wallet. Called twice: the wallet stands as told, with the last reason. The engine's own pauses are
 * set again while their cause stands.
 */
export async function moveCommand({ chainId, db, print }: WalletsContext, move: Move, address: string, reason: string): Promise<number> {
  const wallet = (await listWallets(db, chainId)).find((row) => sameAddress(row.address, address));
  if (!wallet) {
    print(`there is no wallet ${address} on chain ${chainId}`);
    return EXIT.failed;
  }
  const { to, from } = MOVES[move];
  const before = await transact(db, async (tx) => {
    const { status } = await lockWallet(tx, chainId, wallet.address);
    if (!(from as readonly WalletStatus[]).includes(status)) return { status, moved: false };
    await setWalletStatus(tx, chainId, wallet.address, to, `${move} by hand: ${reason}`);
    if (move === 'resume') for (const kind of ENDED_BY_A_PERSON) await resolveAlert(tx, kind, wallet.address);
    return { status, moved: true };
  });
  print(before.moved ? `${wallet.address} ${before.status} -> ${to}` : `${wallet.address} is ${before.status}: ${move} would weaken that`);
  return before.moved ? EXIT.ok : EXIT.failed;
}
