import { createKey } from '../../activities/custody/create-key.ts';
import type { Database } from '../../db/client.ts';
import { countHeld } from '../../db/repositories/payments/funds.ts';
import { isBusy } from '../../db/repositories/wallets/wallet-load.ts';
import { moveWallet } from '../../db/repositories/wallets/wallet-moves.ts';
import { nameSuccessor } from '../../db/repositories/wallets/wallet-successor.ts';
import { getWallet, listWallets, type WalletRow } from '../../db/repositories/wallets/wallets.ts';
import { sameAddress, type Address } from '../../domain/address.ts';
import { mayMove } from '../../domain/wallet-moves.ts';
import { auditedByCommand } from '../audit/audited-by-command.ts';
import type { KeysContext } from './commands.ts';
import { EXIT, UsageError } from '../command-line/exit-codes.ts';

/**
 * Puts a new wallet in the place of another: makes the successor's key and wallet, drains the old one, and says what is left to do.
 * The old wallet is bound to nothing new, pays what it is bound to, and keeps its key: nothing of it is deleted.
 *
 * Called again it goes on where it stands and makes no second successor. Dies in the middle: a key that was stored and not yet added as
 * a wallet stays unused in the store (`show-address` lists it as "no wallet"), and the next run makes another; a successor that was
 * added is found again. Refused for a wallet that stands still: what stopped it is to be looked into first.
 *
 * @returns `EXIT.ok` once the old wallet owes nothing, `EXIT.unfinished` before
 */
export async function replaceWallet(context: KeysContext, address: Address): Promise<number> {
  const { chainId, database } = context;
  if (database === null) throw new UsageError('DATABASE_URL must be set: a wallet is replaced in the database');
  const old = (await listWallets(database, chainId)).find((wallet) => sameAddress(wallet.address, address));
  if (!old) return refuse(context, `there is no wallet ${address} on chain ${chainId}`);
  return auditedByCommand(database, { command: 'keys rotate', action: 'signing-key.rotate', target: { kind: 'wallet', id: old.address } }, async (trail) => {
    trail.before({ chainId, status: old.status, successor: old.successorAddress });
    const exitCode = await drainInto(context, database, old);
    const { status, successorAddress } = await getWallet(database, chainId, old.address);
    trail.after({ chainId, status, successor: successorAddress });
    return exitCode;
  });
}

async function drainInto(context: KeysContext, database: Database, old: WalletRow): Promise<number> {
  const { chainId, print } = context;
  if (!mayMove('drain', old.status)) return refuse(context, `${old.address} is ${old.status}: look into that and resume it first (npm run wallets)`);

  const successor = await successorOf(context, database, old);
  print(`${old.address} is replaced by ${successor.address} (${successor.keyId}), ${successor.status}`);
  const drained = await moveWallet(database, chainId, old.address, 'drain', { by: 'keys', reason: `replaced by ${successor.address}` });
  if (drained.kind !== 'moved') return refuse(context, `${old.address} was stopped meanwhile: it is not drained`);

  if (await isBusy(database, chainId, old.address as Address)) {
    print(`${old.address} still owes something: ${await countHeld(database, chainId, old.address)} withdrawals are bound to it. Fund ${successor.address}, and run this again to see what is left`);
    return EXIT.unfinished;
  }
  print(`${old.address} is drained. Sweep what it still holds by a declared movement (npm run treasury) to ${successor.address} or to where it is kept; its key stays in the store`);
  return EXIT.ok;
}

async function successorOf({ chainId, secretStore, keyEncryptionKey }: KeysContext, database: Database, { address, successorAddress }: WalletRow): Promise<WalletRow> {
  if (successorAddress !== null) return getWallet(database, chainId, successorAddress);
  return nameSuccessor(database, chainId, address, await createKey({ secretStore, keyEncryptionKey, chainId }));
}

function refuse({ print }: KeysContext, why: string): number {
  print(why);
  return EXIT.failed;
}
