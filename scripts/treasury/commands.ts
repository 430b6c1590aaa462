import { userInfo } from 'node:os';
import type { Database } from '../../db/client.ts';
import { declareTreasuryMovement } from '../../db/repositories/wallets/declare-treasury-movement.ts';
import { listMovements, revokeMovement } from '../../db/repositories/wallets/treasury-movements.ts';
import { assets } from '../../db/schema/index.ts';
import { formatAmount } from '../../domain/money.ts';
import type { ChainSettings } from '../../domain/settings.ts';
import { auditedByCommand } from '../audit/audited-by-command.ts';
import { UsageError } from '../command-line/exit-codes.ts';

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
  const direction = given(values, 'direction').toUpperCase();
  if (direction !== 'IN' && direction !== 'OUT') throw new UsageError('--direction is out or in');
  const [wallet, currency, amount, counterparty] = [given(values, 'wallet'), given(values, 'currency'), given(values, 'amount'), given(values, 'counterparty')];
  const declaration = { direction, wallet, currency, amount, counterparty, reason: given(values, 'reason'), declaredBy: values.by ?? userInfo().username } as const;
  return auditedByCommand(db, { command: 'treasury declare', action: 'movement.declare' }, async (trail) => {
    const result = await declareTreasuryMovement(db, chain, declaration);
    if (result.kind === 'conflict') throw new Error('a declaration without a key met another');
    const { id, walletAddress, counterparty: other } = result.row;
    trail.target('movement', id);
    trail.after(declaration);
    print(`declared movement ${id}: ${amount} ${currency} ${direction === 'OUT' ? `from ${walletAddress} to` : `to ${walletAddress} from`} ${other}`);
    return 0;
  });
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
  return auditedByCommand(db, { command: 'treasury revoke', action: 'movement.revoke', target: { kind: 'movement', id: String(id) } }, async () => {
    const revoked = await revokeMovement(db, chain.chainId, id);
    print(revoked ? `revoked movement ${id}` : `movement ${id} is not there, or a transfer was recognised as it`);
    return revoked ? 0 : 1;
  });
}
