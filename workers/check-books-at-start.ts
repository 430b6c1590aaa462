import { findForgottenOutflow } from '../activities/forgotten-outflow.ts';
import { createBooksCheck, type BooksCheckPorts } from '../db/books-check.ts';
import { haltForRecovery } from '../db/repositories/books.ts';
import type { Ports } from './ports.ts';

/**
 * Holds the books against Temporal and the chain before the signer takes its first task. What is found stands as a halt
 * that every signature meets. Throws when one of them cannot be asked: then the process ends and is started again, for a
 * signer that does not know must not sign.
 * @returns true when a recovery is due
 */
export async function checkBooksAtStart(ports: Pick<Ports, 'db' | 'rpc' | 'log'>, listStartedSince: BooksCheckPorts['listStartedSince']): Promise<boolean> {
  const { db, rpc, log } = ports;
  const setBy = 'signing-service';
  const isBehind = await createBooksCheck({ db, chainId: rpc.chainId, setBy, listStartedSince, log })();
  const outflow = await findForgottenOutflow({ db, rpc });
  if (!outflow) return isBehind;
  const { walletAddress, nonce, txHash } = outflow;
  await haltForRecovery(db, { chainId: rpc.chainId, reason: `nonce ${nonce} of ${walletAddress} was used on chain by ${txHash ?? 'transactions'} that the database does not know`, setBy, detail: { wallet: walletAddress, nonce, txHash } }, log);
  return true;
}
