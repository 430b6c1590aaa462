import { and, eq } from 'drizzle-orm';
import { EngineError } from '../../../domain/errors.ts';
import { forbids, type Halt, type HaltSubject } from '../../../domain/halts.ts';
import type { Queryable } from '../../client.ts';
import { halts } from '../../schema/index.ts';

export type HaltRow = typeof halts.$inferSelect;

/** Everything that stands still now. */
export async function listHalts(queryable: Queryable): Promise<HaltRow[]> {
  return queryable.select().from(halts);
}

/** Sets a halt. Called twice: the first reason stands. */
export async function setHalt(queryable: Queryable, halt: Halt & { reason: string; setBy: string }): Promise<void> {
  await queryable
    .insert(halts)
    .values({ ...halt, reason: halt.reason.slice(0, 255), createdAt: new Date() })
    .onDuplicateKeyUpdate({ set: { scope: halt.scope } });
}

/**
 * Lifts a halt.
 * @returns false when it did not stand
 */
export async function liftHalt(queryable: Queryable, halt: Halt): Promise<boolean> {
  const [result] = await queryable.delete(halts).where(and(eq(halts.scope, halt.scope), eq(halts.target, halt.target), eq(halts.kind, halt.kind)));
  return result.affectedRows === 1;
}

/**
 * Read just before signing and just before sending. Throws `BOOKS_BEHIND` while the books are behind, `HALTED` while a
 * person's halt covers the subject; both are waited out.
 */
export async function assertNotHalted(queryable: Queryable, subject: HaltSubject): Promise<void> {
  refuseHalted((await listHalts(queryable)).filter((halt) => forbids(halt, subject)));
}

/** Which of the wallets may pay in a token now, and the halts that stop the others. */
export async function splitByHalts<Wallet extends { chainId: number; address: string }>(queryable: Queryable, wallets: readonly Wallet[], tokenAddress: string | null): Promise<{ free: Wallet[]; standing: Halt[] }> {
  const all = await listHalts(queryable);
  const haltsOf = ({ chainId, address }: Wallet) => all.filter((halt) => forbids(halt, { chainId, tokenAddress, walletAddress: address }));
  return { free: wallets.filter((wallet) => haltsOf(wallet).length === 0), standing: wallets.flatMap(haltsOf) };
}

/** Throws for halts that stand: `BOOKS_BEHIND` when the books are behind, else `HALTED`. */
export function refuseHalted(standing: readonly Halt[]): void {
  const [first] = standing;
  if (!first) return;
  if (standing.some(({ kind }) => kind === 'RECOVERY')) throw new EngineError('BOOKS_BEHIND');
  throw new EngineError('HALTED', { scope: first.scope, target: first.target });
}
