import { listWallets } from '../../db/repositories/wallets/wallets.ts';
import { failureToTell, startHeartbeats } from '../failure.ts';
import { compareWallet, type ComparePorts, type Comparison } from './compare-wallet.ts';

export interface WalletReport {
  walletAddress: string;
  outcome: Comparison['kind'];
  /** the next run goes on after this block; null where the cursor stays */
  recordedTo: number | null;
  /** final blocks left for the next run */
  blocksLeft: number;
  findings: number;
}

/** The hot wallets of the chain, whatever their status: a halted one may still lose money. */
export function makeListHotWallets({ db, settings }: Pick<ComparePorts, 'db' | 'settings'>) {
  return async (): Promise<string[]> => (await listWallets(db, settings.chain.chainId)).map(({ address }) => address);
}

/**
 * One wallet's next chunk, held against the books. Called twice, or dying in the middle: see `compareWallet`. What it found
 * stands in the alerts and the log, a history is given the number only.
 */
export function makeReconcileWallet(ports: ComparePorts) {
  return async ({ walletAddress }: { walletAddress: string }): Promise<WalletReport> => {
    const stopHeartbeats = startHeartbeats();
    try {
      const comparison = await compareWallet(ports, { walletAddress });
      if (comparison.kind !== 'compared') {
        if (comparison.kind === 'books-behind') ports.log.warn({ wallet: walletAddress }, 'not compared: the books are behind');
        return { walletAddress, outcome: comparison.kind, recordedTo: null, blocksLeft: 0, findings: 0 };
      }
      const { from, to, finalized, recordedTo, counts, findings } = comparison;
      const blocksLeft = finalized - to;
      ports.log.info({ wallet: walletAddress, from, to, recordedTo, blocksLeft, counts, findings: findings.length }, 'wallet compared with the books');
      return { walletAddress, outcome: 'compared', recordedTo, blocksLeft, findings: findings.length };
    } catch (error) {
      throw failureToTell(ports.log, error, 'a wallet could not be compared: the next run tries again', { wallet: walletAddress });
    } finally {
      stopHeartbeats();
    }
  };
}
