import type { Asset } from '../../db/repositories/assets.ts';
import { assetKeyOf, NATIVE } from '../../db/repositories/wallets/wallet-observations.ts';
import type { WalletDetails } from '../../db/repositories/wallets/wallet-view.ts';
import { parseAddress } from '../../domain/address.ts';
import { formatAmount, formatSignedAmount } from '../../domain/money.ts';
import { NETWORKS } from '../../domain/networks.ts';
import { hoursLeft } from '../../domain/runway.ts';
import type { ChainSettings } from '../../domain/settings.ts';
import type { HotWalletView } from '../schemas/wallet.ts';

/** A hot wallet as an operator sees it: token units, EIP-55, ISO 8601. What is held of a token the registry does not list is left out. */
export function walletView(details: WalletDetails, registry: readonly Asset[], chain: ChainSettings): HotWalletView {
  const { wallet, seen } = details;
  return {
    address: parseAddress(wallet.address),
    network: chain.network,
    chainId: wallet.chainId,
    status: wallet.status,
    statusReason: wallet.statusReason,
    drained: details.drained,
    balances: details.balances.flatMap((held) => balanceView(held, registry, chain)).toSorted(nativeFirst),
    nonces: { latest: seen?.latestNonce ?? null, pending: seen?.pendingNonce ?? null, next: wallet.nextNonce, gaps: details.gaps },
    window: { used: details.windowUsed, size: chain.inFlightWindow },
    reservations: details.reservations,
    openAlerts: details.alerts.map(({ kind, subject, detail, raisedAt }) => ({ kind, subject, detail, raisedAt: raisedAt.toISOString() })),
    seenAt: seen?.seenAt.toISOString() ?? null,
  };
}

type Balance = HotWalletView['balances'][number];

function balanceView({ observation, reserved }: WalletDetails['balances'][number], registry: readonly Asset[], chain: ChainSettings): Balance[] {
  const asset = registry.find(({ tokenAddress }) => assetKeyOf(tokenAddress) === observation.asset) ?? (observation.asset === NATIVE ? { currency: NETWORKS[chain.network].nativeCurrency, decimals: 18 } : null);
  if (!asset) return [];
  const { balance, spendPerHour, blockNumber, seenAt } = observation;
  const { currency, decimals } = asset;
  const available = balance - reserved;
  return [
    {
      currency,
      tokenAddress: observation.asset === NATIVE ? null : parseAddress(observation.asset),
      balance: formatAmount(balance, decimals),
      reserved: formatAmount(reserved, decimals),
      available: formatSignedAmount(available, decimals),
      spendPerHour: formatAmount(spendPerHour, decimals),
      hoursLeft: hoursLeft(available, spendPerHour),
      block: blockNumber,
      seenAt: seenAt.toISOString(),
    },
  ];
}

function nativeFirst(left: Balance, right: Balance): number {
  const place = ({ tokenAddress, currency }: Balance) => `${tokenAddress === null ? 0 : 1} ${currency}`;
  return place(left) < place(right) ? -1 : 1;
}
