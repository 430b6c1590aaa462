import type { Address } from '../domain/address.ts';
import { EngineError } from '../domain/errors.ts';
import type { Settings } from '../domain/settings.ts';
import { orderWallets } from '../domain/wallet-choice.ts';
import type { Queryable } from '../db/client.ts';
import { listAlertedSubjects } from '../db/repositories/alerts.ts';
import { listHalts } from '../db/repositories/halts.ts';
import { countWindowUse } from '../db/repositories/wallet-load.ts';
import { assetKeyOf, listObservations } from '../db/repositories/wallet-observations.ts';
import type { WalletRow } from '../db/repositories/wallets.ts';

/** Beyond this many in line, queues count as equally long and are chosen by lot. */
const QUEUE_COUNTED_MAX = 500;

/**
 * The wallets a withdrawal may be bound to, best first, by what the books say of window, balance and health. Asks no chain:
 * whether the first one can pay is decided where its row is held, and the next one is tried if it cannot. Reads only.
 *
 * Throws `WALLET_UNAVAILABLE` while none is active, or a person's halt stands on each: the withdrawal stays unbound, and is
 * given the best one once there is one.
 */
export async function chooseWallets(ports: { db: Queryable; settings: Settings }, payment: { requestId: string; tokenAddress: string | null; amount: bigint }, wallets: readonly WalletRow[]): Promise<WalletRow[]> {
  const { db, settings } = ports;
  const { chainId, inFlightWindow } = settings.chain;
  const active = wallets.filter(({ status }) => status === 'ACTIVE');
  if (active.length === 0) throw new EngineError('WALLET_UNAVAILABLE', { reason: 'no active wallet' });
  const halted = new Set((await listHalts(db)).filter(({ scope }) => scope === 'WALLET').map(({ target }) => target.toLowerCase()));
  const open = active.filter(({ address }) => !halted.has(address.toLowerCase()));
  if (open.length === 0) throw new EngineError('WALLET_UNAVAILABLE', { reason: 'every active wallet is halted' });
  if (open.length === 1) return open;

  const seen = (await listObservations(db, chainId)).filter(({ asset }) => asset === assetKeyOf(payment.tokenAddress));
  const balances = new Map(seen.map(({ walletAddress, balance }) => [walletAddress as string, balance]));
  const outOfGas = await listAlertedSubjects(db, 'GAS_RUNNING_OUT');
  const candidates = await Promise.all(
    open.map(async (wallet) => ({
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
