import { and, eq } from 'drizzle-orm';
import { parseAddress, sameAddress, ZERO_ADDRESS, type Address } from '../../../domain/address.ts';
import { EngineError } from '../../../domain/errors.ts';
import { parseAmount } from '../../../domain/money.ts';
import type { ChainSettings } from '../../../domain/settings.ts';
import type { Database, Transaction } from '../../client.ts';
import { treasuryMovements } from '../../schema/index.ts';
import { isDuplicateKey, transact } from '../../transact.ts';
import { findAsset } from '../assets.ts';
import { declareMovement, type MovementRow, type NewMovement } from './treasury-movements.ts';
import { listWallets, lockWallet, type WalletRow } from './wallets.ts';

/** What a person says will move, as they wrote it. */
export interface Declaration {
  direction: 'IN' | 'OUT';
  wallet: string;
  currency: string;
  /** token units */
  amount: string;
  counterparty: string;
  reason: string;
  declaredBy: string;
  /** SHA-256, hex, of who said it under which idempotency key; without one every call is a movement of its own */
  key?: string | undefined;
}

export type Declared = { kind: 'declared' | 'repeat'; row: MovementRow } | { kind: 'conflict' };

/**
 * Declares a movement between a hot wallet and somebody, before it is made: the one way, whoever asks. Each explains one
 * transfer, so a call that is said twice must not declare twice: with the same key and the same words it gives the same
 * movement, with other words `conflict`. Dies in the middle: nothing was declared.
 *
 * Throws `VALIDATION_FAILED` (unknown wallet), `UNSUPPORTED_CURRENCY`, `INVALID_AMOUNT`, `INVALID_ADDRESS` with the field, and
 * `INVALID_STATE` for a movement to one of our own wallets whose other end was not declared.
 */
export async function declareTreasuryMovement(db: Database, chain: Pick<ChainSettings, 'network' | 'chainId'>, declaration: Declaration): Promise<Declared> {
  const { movement, wallets } = await judge(db, chain, declaration);
  const key = declaration.key ?? null;
  try {
    return await transact(db, async (tx): Promise<Declared> => {
      // Held, so that two that lean on one other end are counted one after the other.
      await lockWallet(tx, chain.chainId, movement.walletAddress);
      const earlier = key === null ? null : await findDeclared(tx, key);
      if (earlier) return settle(earlier, movement);
      await assertOtherEnd(tx, movement, wallets);
      const id = await declareMovement(tx, { ...movement, declarationKey: key });
      const [row] = await tx.select().from(treasuryMovements).where(eq(treasuryMovements.id, id));
      if (!row) throw new Error('a movement was declared but not recorded');
      return { kind: 'declared', row };
    });
  } catch (error) {
    // The same key on another wallet at the same moment.
    const earlier = key !== null && isDuplicateKey(error) ? await findDeclared(db, key) : null;
    if (!earlier) throw error;
    return settle(earlier, movement);
  }
}

async function judge(db: Database, { network, chainId }: Pick<ChainSettings, 'network' | 'chainId'>, declaration: Declaration): Promise<{ movement: NewMovement; wallets: WalletRow[] }> {
  const walletAddress = addressIn('wallet', declaration.wallet);
  const counterparty = addressIn('counterparty', declaration.counterparty);
  const wallets = await listWallets(db, chainId);
  if (!wallets.some(({ address }) => sameAddress(address, walletAddress))) throw new EngineError('VALIDATION_FAILED', { field: 'wallet', reason: 'unknown-wallet' });
  const asset = await findAsset(db, network, declaration.currency);
  if (!asset) throw new EngineError('UNSUPPORTED_CURRENCY', { currency: declaration.currency });
  const amount = parseAmount(declaration.amount, asset.decimals);
  if (sameAddress(counterparty, walletAddress)) throw noCounterparty('own-wallet');
  if (sameAddress(counterparty, ZERO_ADDRESS)) throw noCounterparty('zero-address');
  if (asset.tokenAddress !== null && sameAddress(counterparty, asset.tokenAddress)) throw noCounterparty('token-address');
  const { direction, reason, declaredBy } = declaration;
  return { movement: { chainId, walletAddress, direction, tokenAddress: asset.tokenAddress, amount, counterparty, reason, declaredBy }, wallets };
}

const noCounterparty = (reason: string) => new EngineError('INVALID_ADDRESS', { field: 'counterparty', reason });

function addressIn(field: 'wallet' | 'counterparty', text: string): Address {
  try {
    return parseAddress(text);
  } catch (error) {
    if (error instanceof EngineError) throw new EngineError(error.code, { ...error.parameters, field }, { cause: error });
    throw error;
  }
}

async function findDeclared(queryable: Database | Transaction, key: string): Promise<MovementRow | null> {
  const [row] = await queryable.select().from(treasuryMovements).where(eq(treasuryMovements.declarationKey, key));
  return row ?? null;
}

const WORDS = ['chainId', 'walletAddress', 'direction', 'tokenAddress', 'amount', 'counterparty', 'reason'] as const;

function settle(earlier: MovementRow, movement: NewMovement): Declared {
  return WORDS.every((word) => earlier[word] === movement[word]) ? { kind: 'repeat', row: earlier } : { kind: 'conflict' };
}

/**
 * Money that goes from one of our wallets to another is declared at both ends, the receiving one first: each `in` carries one
 * `out`, so that what leaves a wallet this way is seen to arrive.
 */
async function assertOtherEnd(tx: Transaction, movement: NewMovement, wallets: readonly WalletRow[]): Promise<void> {
  const { chainId, walletAddress, counterparty, direction, amount, tokenAddress } = movement;
  if (direction === 'IN' || !wallets.some(({ address }) => sameAddress(address, counterparty))) return;
  const declared = async (ends: { direction: 'IN' | 'OUT'; walletAddress: `0x${string}`; counterparty: `0x${string}` }) => {
    const rows = await tx
      .select({ tokenAddress: treasuryMovements.tokenAddress })
      .from(treasuryMovements)
      .where(
        and(
          eq(treasuryMovements.chainId, chainId),
          eq(treasuryMovements.walletAddress, ends.walletAddress),
          eq(treasuryMovements.direction, ends.direction),
          eq(treasuryMovements.counterparty, ends.counterparty),
          eq(treasuryMovements.amount, amount),
        ),
      );
    return rows.filter((row) => row.tokenAddress === tokenAddress).length;
  };
  const arriving = await declared({ direction: 'IN', walletAddress: counterparty, counterparty: walletAddress });
  const leaving = await declared({ direction: 'OUT', walletAddress, counterparty });
  if (arriving <= leaving) throw new EngineError('INVALID_STATE', { field: 'counterparty', reason: 'other-end-undeclared' });
}
