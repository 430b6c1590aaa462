import type { Database } from '../../db/client.ts';
import { listEnabledAssets } from '../../db/repositories/assets.ts';
import { smallestWaiting } from '../../db/repositories/wallets/wallet-observations.ts';
import { listWallets } from '../../db/repositories/wallets/wallets.ts';
import type { Settings } from '../../domain/settings.ts';
import type { Rpc } from '../chain/rpc.ts';
import { failureToTell, startHeartbeats, type ActivityLog } from '../failure.ts';
import { judgeWallet } from './judge-wallet.ts';
import { lookAtWallet } from './look-at-wallet.ts';
import { createSpendHistory } from './spend-history.ts';

export interface WatchTreasuryPorts {
  db: Database;
  rpc: Rpc;
  settings: Settings;
  log: ActivityLog;
  /** ms since 1970; the real clock when absent */
  now?: () => number;
}

/**
 * One look at every hot wallet of the chain: what it holds of each enabled asset, at what rate that is spent, how many
 * transactions the chain counts. Writes down what it saw and raises or resolves the alerts that money runs out. Decides
 * nothing about money.
 *
 * Called twice, or by two workers: the later look stands, an alert is open once. Dies in the middle: the next look comes soon. A
 * wallet that cannot be read keeps no other waiting; it fails the look in the end, so that it shows.
 */
export function makeWatchTreasury(ports: WatchTreasuryPorts) {
  const { db, settings, log } = ports;
  const { chainId, network } = settings.chain;
  const history = createSpendHistory(db);

  return async (): Promise<void> => {
    const stopHeartbeats = startHeartbeats();
    try {
      const [wallets, assets, waiting] = await Promise.all([listWallets(db, chainId), listEnabledAssets(db, network), smallestWaiting(db, chainId)]);
      const looks = await Promise.allSettled(wallets.map(async (wallet) => judgeWallet(ports, wallet, await lookAtWallet({ ...ports, history, now: ports.now ?? Date.now }, wallet, assets), waiting)));
      const failed = looks.find((look) => look.status === 'rejected');
      if (failed) throw failed.reason;
    } catch (error) {
      throw failureToTell(log, error, 'not every hot wallet could be looked at: the next look tries again');
    } finally {
      stopHeartbeats();
    }
  };
}
