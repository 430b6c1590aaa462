import type { Address } from '../domain/address.ts';
import { EngineError } from '../domain/errors.ts';
import type { Settings } from '../domain/settings.ts';
import { orderWallets } from '../domain/wallet-choice.ts';
import type { Queryable } from '../db/client.ts';
import { listAlertedSubjects } from '../db/repositories/operations/alerts.ts';
import { countWindowUse } from '../db/repositories/wallets/wallet-load.ts';
import { assetKeyOf, listObservations } from '../db/repositories/wallets/wallet-observations.ts';
import type { WalletRow } from '../db/repositories/wallets/wallets.ts';

/** Beyond this many in line, queues count as equally long and are chosen by lot. */
const QUEUE_COUNTED_MAX = 500;

/**
 * The wallets a withdrawal may be bound to, best first, by what the books say of window, balance and health. Asks no chain:
 * whether the first one can pay is decided where its row is held, and the next one is tried if it cannot. Reads only.
 *
 * @param wallets those that are active and under no halt
 */
export async function chooseWallets(ports: { db: Queryable; settings: Settings }, payment: { requestId: string; tokenAddress: string | null; amount: bigint }, wallets: readonly WalletRow[]): Promise<WalletRow[]> {
  const { db, settings } = ports;
  const { chainId, inFlightWindow } = settings.chain;
  if (wallets.length <= 1) return [...wallets];

  const seen = (await listObservations(db, chainId)).filter(({ asset }) => asset === assetKeyOf(payment.tokenAddress));
  const balances = new Map(seen.map(({ walletAddress, balance }) => [walletAddress as string, balance]));
  const outOfGas = await listAlertedSubjects(db, 'GAS_RUNNING_OUT');
  const candidates = await Promise.all(
    wallets.map(async (wallet) => ({
      wallet,
      address: wallet.address,
      windowUsed: await countWindowUse(db, chainId, wallet.address as Address, QUEUE_COUNTED_MAX),
      seemsFunded: (balances.get(wallet.address) ?? payment.amount) >= payment.amount,
      gasRunsOut: outOfGas.has(wallet.address),
    })),
  );
  return orderWallets(candidates, payment.requestId, inFlightWindow).map(({ wallet }) => wallet);
}

/** A wallet whose row is held takes a new payment only while it is active: it may have been stopped or drained since it was chosen. */
export function assertTakesPayments({ address, status }: WalletRow): void {
  if (status !== 'ACTIVE') throw new EngineError('WALLET_UNAVAILABLE', { wallet: address, reason: status });
}
