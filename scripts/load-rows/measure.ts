import type { FastifyInstance } from 'fastify';
import { desc, eq, isNotNull, sql } from 'drizzle-orm';
import type { Database } from '../../db/client.ts';
import { HOUR_MS, REACH_MS } from '../../db/repositories/withdrawals/statistics.ts';
import { nonceReservations, signedTransactions, withdrawalRequests } from '../../db/schema/index.ts';
import { WITHDRAWAL_STATUSES } from '../../domain/status.ts';
import { chanceFrom, type Chance } from './random.ts';

export interface MeasureOptions {
  /** asked as this account */
  bearer: string;
  /** how often each is asked */
  times: number;
  seed: number;
  onDone?: (measured: Measured) => void;
}

export interface Measured {
  name: string;
  p50Ms: number;
  p95Ms: number;
  maxMs: number;
  /** items of the longest answer */
  items: number;
}

/** Rows to ask for, from all over the table. */
const SAMPLES = 64;

type Sample = { requestId: string; toAddress: string; walletAddress: string | null; currency: string; ownerId: number; createdAt: Date; txHash: string | null; nonce: number | null };

/** Asks every search and every statistic through the API, one after another, each time for something else. Throws when one is not answered with 200. */
export async function measure(app: FastifyInstance, db: Database, options: MeasureOptions): Promise<Measured[]> {
  const chance = chanceFrom(options.seed);
  const samples = await readSamples(db, chance);
  const measured: Measured[] = [];
  for (const [name, urlOf] of Object.entries(questions(chance))) {
    const lengths: number[] = [];
    let items = 0;
    for (let time = 0; time < options.times; time += 1) {
      const url = urlOf(chance.pick(samples));
      const startedAt = performance.now();
      const response = await app.inject({ url, headers: { authorization: options.bearer } });
      lengths.push(performance.now() - startedAt);
      if (response.statusCode !== 200) throw new Error(`${url} was answered with ${response.statusCode}: ${response.body.slice(0, 300)}`);
      items = Math.max(items, response.json<{ items?: unknown[] }>().items?.length ?? 1);
    }
    const sorted = lengths.toSorted((left, right) => left - right);
    const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
    const result = { name, p50Ms: at(0.5), p95Ms: at(0.95), maxMs: at(1), items };
    measured.push(result);
    options.onDone?.(result);
  }
  return measured;
}

function questions(chance: Chance): Record<string, (sample: Sample) => string> {
  const stats = (lengthMs: number) => () => {
    const to = Date.now() - chance.below(1_000);
    return `/admin/stats?from=${new Date(to - lengthMs).toISOString()}&to=${new Date(to).toISOString()}`;
  };
  return {
    'no filter': search(() => ({})),
    requestId: search(({ requestId }) => ({ requestId })),
    txHash: search(({ txHash }) => ({ txHash })),
    address: search(({ toAddress }) => ({ address: toAddress })),
    ...Object.fromEntries(WITHDRAWAL_STATUSES.map((status) => [`status ${status}`, search(() => ({ status }))])),
    signer: search(({ walletAddress }) => ({ signer: walletAddress })),
    nonce: search(({ nonce }) => ({ nonce })),
    'nonce + signer': search(({ nonce, walletAddress }) => ({ nonce, signer: walletAddress })),
    currency: search(({ currency }) => ({ currency })),
    ownerId: search(({ ownerId }) => ({ ownerId })),
    'from + to (a day)': search(day),
    'address + status': search(({ toAddress }) => ({ address: toAddress, status: 'COMPLETED' })),
    'address + currency + from': search(({ toAddress, currency, createdAt }) => ({ address: toAddress, currency, from: createdAt })),
    'signer + status COMPLETED': search(({ walletAddress }) => ({ signer: walletAddress, status: 'COMPLETED' })),
    'signer + status FAILED': search(({ walletAddress }) => ({ signer: walletAddress, status: 'FAILED' })),
    'signer + currency + a day': search((sample) => ({ signer: sample.walletAddress, currency: sample.currency, ...day(sample) })),
    'status FAILED + currency + a day': search((sample) => ({ status: 'FAILED', currency: sample.currency, ...day(sample) })),
    'ownerId + status + currency': search(({ ownerId, currency }) => ({ ownerId, status: 'COMPLETED', currency })),
    'address + signer': search(({ toAddress, walletAddress }) => ({ address: toAddress, signer: walletAddress })),
    'to (a page from deep inside)': search(({ createdAt }) => ({ to: createdAt })),
    'one, with attempts and timeline': ({ requestId }) => `/admin/transactions/${requestId}`,
    'statistics of 24 hours': stats(24 * HOUR_MS),
    'statistics of 7 days': stats(7 * 24 * HOUR_MS),
    'statistics of 31 days': stats(REACH_MS),
    queues: () => '/admin/queues',
  };
}

/** From moments all over the time there is. */
async function readSamples(db: Database, chance: Chance): Promise<Sample[]> {
  const [range] = await db.select({ from: sql<Date>`MIN(${withdrawalRequests.createdAt})`.mapWith(withdrawalRequests.createdAt), to: sql<Date>`MAX(${withdrawalRequests.createdAt})`.mapWith(withdrawalRequests.createdAt) }).from(withdrawalRequests);
  if (!range) throw new Error('there are no withdrawals');
  const samples: Sample[] = [];
  for (let index = 0; index < SAMPLES; index += 1) {
    const moment = new Date(range.from.getTime() + chance.next() * (range.to.getTime() - range.from.getTime()));
    const { requestId, toAddress, walletAddress, currency, ownerId, createdAt } = withdrawalRequests;
    const [row] = await db
      .select({ requestId, toAddress, walletAddress, currency, ownerId, createdAt, txHash: signedTransactions.txHash, nonce: nonceReservations.nonce })
      .from(withdrawalRequests)
      .innerJoin(signedTransactions, eq(signedTransactions.requestId, requestId))
      .innerJoin(nonceReservations, eq(nonceReservations.id, signedTransactions.reservationId))
      .where(sql`${createdAt} <= ${withdrawalRequests.createdAt.mapToDriverValue(moment)} AND ${isNotNull(walletAddress)}`)
      .orderBy(desc(createdAt), desc(requestId))
      .limit(1);
    if (row) samples.push(row);
  }
  if (samples.length === 0) throw new Error('there are no signed withdrawals to look for');
  return samples;
}

const search = (filters: (sample: Sample) => Record<string, string | number | Date | null>) => (sample: Sample) => {
  const asked = new URLSearchParams({ limit: '50' });
  for (const [name, value] of Object.entries(filters(sample))) if (value !== null) asked.set(name, value instanceof Date ? value.toISOString() : String(value));
  return `/admin/transactions?${asked.toString()}`;
};
const day = ({ createdAt }: Sample) => ({ from: createdAt, to: new Date(createdAt.getTime() + 24 * HOUR_MS) });
