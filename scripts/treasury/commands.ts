import { userInfo } from 'node:os';
import type { Database } from '../../db/client.ts';
import { findAsset } from '../../db/repositories/assets.ts';
import { declareMovement, listMovements, revokeMovement } from '../../db/repositories/treasury-movements.ts';
import { getWallet } from '../../db/repositories/wallets.ts';
import { assets } from '../../db/schema/index.ts';
import { parseAddress, sameAddress, ZERO_ADDRESS } from '../../domain/address.ts';
import { formatAmount, parseAmount } from '../../domain/money.ts';
import type { ChainSettings } from '../../domain/settings.ts';
import { UsageError } from '../keys/exit-codes.ts';

export interface TreasuryContext {
  db: Database;
  chain: ChainSettings;
  print: (line: string) => void;
}

/** What was typed, by the option's name. */
export interface TreasuryValues {
  wallet?: string | undefined;
  direction?: string | undefined;
  currency?: string | undefined;
  amount?: string | undefined;
  counterparty?: string | undefined;
  reason?: string | undefined;
  by?: string | undefined;
  id?: string | undefined;
  open?: boolean | undefined;
}

function given(values: TreasuryValues, name: Exclude<keyof TreasuryValues, 'open'>): string {
  const value = values[name]?.trim();
  if (!value) throw new UsageError(`--${name} is missing (see --help)`);
  return value;
}

/** Declares one movement. Called twice: two movements, so the second explains a second transfer. */
export async function declare({ db, chain, print }: TreasuryContext, values: TreasuryValues): Promise<number> {
  const { network, chainId } = chain;
  const direction = given(values, 'direction').toUpperCase();
  if (direction !== 'IN' && direction !== 'OUT') throw new UsageError('--direction is out or in');
  const walletAddress = parseAddress(given(values, 'wallet'));
  const counterparty = parseAddress(given(values, 'counterparty'));
  if (sameAddress(counterparty, walletAddress) || sameAddress(counterparty, ZERO_ADDRESS)) throw new UsageError('--counterparty must be somebody else than the wallet, and not the zero address');
  const reason = given(values, 'reason');
  const currency = given(values, 'currency');
  const asset = await findAsset(db, network, currency);
  if (!asset) throw new UsageError(`${currency} is no asset of ${network}`);
  const amount = parseAmount(given(values, 'amount'), asset.decimals);
  await getWallet(db, chainId, walletAddress);
  const id = await declareMovement(db, { chainId, walletAddress, direction, tokenAddress: asset.tokenAddress, amount, counterparty, reason, declaredBy: values.by ?? userInfo().username });
  print(`declared movement ${id}: ${formatAmount(amount, asset.decimals)} ${currency} ${direction === 'OUT' ? `from ${walletAddress} to` : `to ${walletAddress} from`} ${counterparty}`);
  return 0;
}

/** One line a movement, oldest first. */
export async function list({ db, chain, print }: TreasuryContext, values: TreasuryValues): Promise<number> {
  const registry = (await db.select().from(assets)).filter(({ chainId }) => chainId === chain.chainId);
  const rows = await listMovements(db, chain.chainId, { open: values.open ?? false });
  if (rows.length === 0) print('no movements');
  for (const row of rows) {
    const asset = registry.find(({ tokenAddress }) => tokenAddress === row.tokenAddress);
    const amount = asset ? `${formatAmount(row.amount, asset.decimals)} ${asset.currency}` : `${row.amount} base units of ${row.tokenAddress}`;
    const way = row.direction === 'OUT' ? `${row.walletAddress} → ${row.counterparty}` : `${row.counterparty} → ${row.walletAddress}`;
    print(`${row.id} ${row.direction} ${amount} ${way}, declared ${row.declaredAt.toISOString()} by ${row.declaredBy}: ${row.reason}${row.txHash === null ? '' : `; recognised as ${row.txHash}`}`);
  }
  return 0;
}

/** Takes back a declaration. Called twice: the second finds nothing. */
export async function revoke({ db, chain, print }: TreasuryContext, values: TreasuryValues): Promise<number> {
  const id = Number(given(values, 'id'));
  if (!Number.isSafeInteger(id) || id < 1) throw new UsageError('--id is the number of a movement');
  const revoked = await revokeMovement(db, chain.chainId, id);
  print(revoked ? `revoked movement ${id}` : `movement ${id} is not there, or a transfer was recognised as it`);
  return revoked ? 0 : 1;
}
