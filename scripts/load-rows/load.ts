import { eq, max } from 'drizzle-orm';
import type { DatabaseHandle } from '../../db/client.ts';
import * as schema from '../../db/schema/index.ts';
import type { Settings } from '../../domain/settings.ts';
import { makeCast } from './cast.ts';
import { insertRows } from './insert.ts';
import { chanceFrom } from './random.ts';
import { addWithdrawal, noRows, type Progress, type WithdrawalRows } from './withdrawals.ts';

export interface LoadOptions {
  rows: number;
  /** the same seed, rows, days and end make the same rows */
  seed: number;
  /** over how many days before `until` they were accepted */
  days: number;
  until: Date;
  settings: Settings;
  /** withdrawals there so far */
  onProgress?: (done: number) => void;
}

const DAY_MS = 86_400_000;
const CHUNK = 2_000;

/** Fills a migrated database with withdrawals and all that belongs to them. Dies in the middle: what is there stays; start again with an empty one. */
export async function loadRows({ db, pool }: DatabaseHandle, options: LoadOptions): Promise<void> {
  const { rows: total, seed, days, until, settings, onProgress } = options;
  const chance = chanceFrom(seed);
  const from = new Date(until.getTime() - days * DAY_MS);
  const cast = makeCast(chance, settings, { seed, withdrawals: total, from });
  await insertRows(pool, schema.users, cast.users, { ifNew: true });
  await insertRows(pool, schema.wallets, cast.wallets, { ifNew: true });
  await insertRows(pool, schema.assets, cast.assets, { ifNew: true });
  const [newest] = await db.select({ id: max(schema.nonceReservations.id) }).from(schema.nonceReservations);
  const progress: Progress = { nextReservationId: (newest?.id ?? 0) + 1, nonces: new Map() };

  let writing: Promise<void> = Promise.resolve();
  for (let start = 0; start < total; start += CHUNK) {
    const rows = noRows();
    for (let index = start; index < Math.min(start + CHUNK, total); index += 1) {
      // Evenly, with a little disorder within the place of each.
      const acceptedAt = new Date(from.getTime() + Math.floor(((index + chance.next()) / total) * days * DAY_MS));
      addWithdrawal(rows, acceptedAt, until, cast, chance, progress);
    }
    // The next are made while these are written.
    await writing;
    writing = write(pool, rows).then(() => onProgress?.(Math.min(start + CHUNK, total)));
  }
  await writing;
  for (const [address, nextNonce] of progress.nonces) await db.update(schema.wallets).set({ nextNonce }).where(eq(schema.wallets.address, address));
  // The optimiser judges by what it was told last.
  for (const table of ['withdrawal_requests', 'signed_transactions', 'nonce_reservations', 'transactions', 'withdrawal_events', 'dead_letters', 'outbox']) await pool.query(`ANALYZE TABLE \`${table}\``);
}

async function write(pool: DatabaseHandle['pool'], rows: WithdrawalRows): Promise<void> {
  await Promise.all([
    insertRows(pool, schema.withdrawalRequests, rows.requests),
    insertRows(pool, schema.idempotencyKeys, rows.keys),
    insertRows(pool, schema.outbox, rows.outbox),
    insertRows(pool, schema.fundReservations, rows.funds),
    insertRows(pool, schema.nonceReservations, rows.nonces),
    insertRows(pool, schema.signedTransactions, rows.attempts),
    insertRows(pool, schema.transactions, rows.transactions),
    insertRows(pool, schema.withdrawalEvents, rows.events),
    insertRows(pool, schema.deadLetters, rows.deadLetters),
  ]);
}

