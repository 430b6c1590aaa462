import type { Client } from '@temporalio/client';
import type { FastifyBaseLogger } from 'fastify';
import { LRUCache } from 'lru-cache';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBooksCheck } from '../db/books-check.ts';
import type { Database } from '../db/client.ts';
import { isRecovering } from '../db/repositories/payments/books.ts';
import { EngineError } from '../domain/errors.ts';
import { listStartedSince } from '../temporal-config/withdrawal-executions.ts';

/** Whether withdrawals may be accepted: not while the database is known, or not yet known not, to be behind. */
export interface Books {
  /** Throws `BOOKS_BEHIND` while a recovery is due, and `SERVICE_UNAVAILABLE` until the first look since the start succeeded. */
  assertOpen(): Promise<void>;
}

export interface WatchedBooks extends Books {
  /** Looks once. Never throws; what failed is logged and looked at again. */
  look(): Promise<void>;
  /** Looks every few seconds until the signal aborts. */
  watch(signal: AbortSignal): Promise<void>;
}

const LOOK_EVERY_MS = 5_000;
/** Until the first look has succeeded nothing is accepted, so it is tried more often. */
const FIRST_LOOK_EVERY_MS = 1_000;
const LOOK_TIMEOUT_MS = 3_000;
/** How long a halt may go unseen here. */
const HALTS_CACHE_MS = 1_000;

/**
 * Watches for a restored backup. Once this process has compared database and Temporal, an outage of Temporal does not
 * matter any more: withdrawals are accepted and held.
 */
export function watchBooks(deps: { database: Database; temporal: Client; chainId: number; logger: FastifyBaseLogger }): WatchedBooks {
  const { database, temporal, logger } = deps;
  const check = createBooksCheck({ db: database, chainId: deps.chainId, setBy: 'api-server', listStartedSince: (since, limit) => listStartedSince(temporal, since, limit), log: logger });
  const halts = new LRUCache<'recovering', 'yes' | 'no'>({ max: 1, ttl: HALTS_CACHE_MS, fetchMethod: async () => ((await isRecovering(database)) ? 'yes' : 'no') });
  let compared = false;

  const look = async (): Promise<void> => {
    try {
      await temporal.withDeadline(Date.now() + LOOK_TIMEOUT_MS, check);
      compared = true;
    } catch (error) {
      logger[compared ? 'debug' : 'warn']({ error }, 'database and Temporal could not be compared');
    }
  };

  return {
    look,
    async watch(signal) {
      while (!signal.aborted) {
        await sleep(compared ? LOOK_EVERY_MS : FIRST_LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
        if (!signal.aborted) await look();
      }
    },
    async assertOpen() {
      if (!compared) throw new EngineError('SERVICE_UNAVAILABLE', { reason: 'the books have not been checked since the start' });
      if ((await halts.fetch('recovering')) === 'yes') throw new EngineError('BOOKS_BEHIND');
    },
  };
}
