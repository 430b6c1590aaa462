import { findForgottenOutflow } from '../activities/forgotten-outflow.ts';
import { createBooksCheck, type BooksCheckPorts } from '../db/books-check.ts';
import { haltForRecovery } from '../db/repositories/payments/books.ts';
import type { Ports } from './ports.ts';

/**
 * Holds the books against Temporal and the chain before a role that signs or books takes its first task. What is found stands as a halt
 * that every signature meets. Throws when one of them cannot be asked: then the process ends and is started again, for a
 * process that does not know must neither sign nor book a stranger's transaction that may be ours.
 * @param setBy the role, named with the halt
 * @returns true when a recovery is due
 */
export async function checkBooksAtStart(ports: Pick<Ports, 'db' | 'rpc' | 'log'>, listStartedSince: BooksCheckPorts['listStartedSince'], setBy: string): Promise<boolean> {
  const { db, rpc, log } = ports;
  const isBehind = await createBooksCheck({ db, chainId: rpc.chainId, setBy, listStartedSince, log })();
  const outflow = await findForgottenOutflow({ db, rpc });
  if (!outflow) return isBehind;
  const { walletAddress, nonce, txHash } = outflow;
  await haltForRecovery(db, { chainId: rpc.chainId, reason: `nonce ${nonce} of ${walletAddress} was used on chain by ${txHash ?? 'transactions'} that the database does not know`, setBy, detail: { wallet: walletAddress, nonce, txHash } }, log);
  return true;
}
