import type { Asset } from '../../db/repositories/assets.ts';
import type { MovementRow } from '../../db/repositories/wallets/treasury-movements.ts';
import { parseAddress } from '../../domain/address.ts';
import { formatAmount } from '../../domain/money.ts';
import type { ChainSettings } from '../../domain/settings.ts';
import type { MovementView } from '../schemas/movement.ts';

/** A declared movement as an operator sees it. */
export function movementView(row: MovementRow, registry: readonly Asset[], chain: ChainSettings): MovementView {
  const asset = registry.find(({ tokenAddress }) => tokenAddress === row.tokenAddress);
  return {
    id: row.id,
    direction: row.direction === 'IN' ? 'in' : 'out',
    wallet: parseAddress(row.walletAddress),
    currency: asset?.currency ?? null,
    amount: asset ? formatAmount(row.amount, asset.decimals) : null,
    counterparty: parseAddress(row.counterparty),
    reason: row.reason,
    declaredBy: row.declaredBy,
    declaredAt: row.declaredAt.toISOString(),
    state: row.matchedAt === null ? 'open' : 'matched',
    txHash: row.txHash,
    explorerUrl: row.txHash === null ? null : `${chain.explorerUrl.replace(/\/+$/, '')}/tx/${row.txHash}`,
    matchedAt: row.matchedAt?.toISOString() ?? null,
  };
}
