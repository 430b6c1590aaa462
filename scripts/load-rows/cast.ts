import type { InferInsertModel } from 'drizzle-orm';
import type { assets, users, wallets } from '../../db/schema/index.ts';
import { parseAddress, type Address } from '../../domain/address.ts';
import type { Settings } from '../../domain/settings.ts';
import { parseAmount } from '../../domain/money.ts';
import type { Chance } from './random.ts';

export type AssetRow = InferInsertModel<typeof assets>;

/** Whom and what withdrawals are about: there before the first of them. */
export interface Cast {
  users: InferInsertModel<typeof users>[];
  wallets: InferInsertModel<typeof wallets>[];
  assets: AssetRow[];
  recipients: Address[];
}

const WALLETS = 4;
const USERS_MAX = 1_000;
const RECIPIENTS_MAX = 100_000;

/** @param withdrawals how many there will be: few have few users and recipients */
export function makeCast(chance: Chance, settings: Settings, options: { seed: number; withdrawals: number; from: Date }): Cast {
  const { network, chainId } = settings.chain;
  const address = () => parseAddress(`0x${chance.hex(20)}`);
  return {
    // No password hash opens them: they are nobody's.
    users: many(Math.min(USERS_MAX, Math.ceil(options.withdrawals / 20)), (index) => ({ email: `load-${options.seed}-${index}@example.com`, passwordHash: 'none', role: 'USER' as const, createdAt: options.from })),
    wallets: many(WALLETS, (index) => ({ chainId, address: address(), keyId: `load/${options.seed}/${index}`, status: 'ACTIVE' as const, nextNonce: 0, createdAt: options.from })),
    assets: settings.assets.map(({ currency, decimals, minAmount, maxAmount }) => ({
      network,
      chainId,
      currency,
      decimals,
      tokenAddress: currency === 'POL' ? null : address(),
      minAmount: parseAmount(minAmount, decimals),
      maxAmount: parseAmount(maxAmount, decimals),
    })),
    recipients: many(Math.min(RECIPIENTS_MAX, Math.ceil(options.withdrawals / 5)), address),
  };
}

const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));
