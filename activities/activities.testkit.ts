import { randomBytes } from 'node:crypto';
import { asc, eq, sql } from 'drizzle-orm';
import { Wallet } from 'ethers';
import type { RowDataPacket } from 'mysql2/promise';
import type { Transaction } from '../db/client.ts';
import { nonceReservations, signedTransactions, withdrawalEvents } from '../db/schema/index.ts';
import type { AttemptRow } from '../db/repositories/payments/attempts.ts';
import { getFunds, type FundReservationRow } from '../db/repositories/payments/funds.ts';
import { setHalt } from '../db/repositories/operations/halts.ts';
import type { NonceReservationRow } from '../db/repositories/payments/nonces.ts';
import { transact } from '../db/transact.ts';
import type { Address } from '../domain/address.ts';
import { EVERYTHING } from '../domain/halts.ts';
import { startEngine, type EngineOptions, type TestEngine, type TestPorts } from '../tests/harness/engine.ts';
import { makeBroadcast } from './broadcast.ts';
import type { Hash } from './chain/blocks.ts';
import type { Rpc } from './chain/rpc.ts';
import { rpcThrough } from './chain/rpc.testkit.ts';
import { makeCloseUnpaid } from './close-unpaid.ts';
import { makePark } from './park.ts';
import { makeReserveFunds } from './reserve-funds.ts';
import { makeSettle } from './settle.ts';
import { makeSign } from './sign.ts';

/** The activities by hand, on real parts, over a chain that makes a block only when told to. */
export interface Bench {
  engine: TestEngine;
  ports: TestPorts;
  sign: ReturnType<typeof makeSign>;
  broadcast: ReturnType<typeof makeBroadcast>;
  settle: ReturnType<typeof makeSettle>;
  closeUnpaid: ReturnType<typeof makeCloseUnpaid>;
  park: ReturnType<typeof makePark>;
  reserveFunds: ReturnType<typeof makeReserveFunds>;
  wallet: Address;
  /** accepts a withdrawal, without its workflow */
  accept(currency?: string, amount?: bigint, tokenAddress?: string): Promise<string>;
  /** the same, with its funds held */
  funded(currency?: string, amount?: bigint, tokenAddress?: string): Promise<string>;
  attempts(requestId: string): Promise<AttemptRow[]>;
  nonces(): Promise<NonceReservationRow[]>;
  noncesOf(requestId: string): Promise<NonceReservationRow[]>;
  funds(requestId: string): Promise<FundReservationRow | null>;
  timeline(requestId: string): Promise<string[]>;
  mine(blocks?: number): Promise<void>;
  chainNonce(block?: 'latest' | 'pending'): Promise<number>;
  /** spends the wallet's next nonce behind the engine's back */
  spendNonce(): Promise<Hash>;
}

export async function startBench(options: EngineOptions = {}): Promise<Bench> {
  const engine = await startEngine({ workers: false, ...options });
  const { ports, chain, database } = engine;
  const { db } = database;
  const wallet = engine.wallets[0] as Address;
  await chain.rpc.call('evm_setIntervalMining', [0]);
  const reserveFunds = makeReserveFunds(ports);
  const mine = async (blocks = 1) => {
    await chain.rpc.call('anvil_mine', [`0x${blocks.toString(16)}`]);
  };
  const accept: Bench['accept'] = (currency = 'USDC', amount = 1_000_000n, tokenAddress) =>
    engine.accept({ currency, toAddress: Wallet.createRandom().address, amount, started: false, ...(tokenAddress && { tokenAddress }) });
  return {
    engine,
    ports,
    sign: makeSign(ports),
    broadcast: makeBroadcast(ports),
    settle: makeSettle(ports),
    closeUnpaid: makeCloseUnpaid(ports),
    park: makePark(ports),
    reserveFunds,
    wallet,
    accept,
    async funded(...payment) {
      const requestId = await accept(...payment);
      const held = await reserveFunds({ requestId });
      if (held.kind !== 'reserved') throw new Error(`no funds: ${held.kind}`);
      return requestId;
    },
    async attempts(requestId) {
      return db.select().from(signedTransactions).where(eq(signedTransactions.requestId, requestId)).orderBy(asc(signedTransactions.nonce), asc(signedTransactions.ordinal));
    },
    nonces: () => db.select().from(nonceReservations).where(eq(nonceReservations.walletAddress, wallet)).orderBy(asc(nonceReservations.nonce)),
    noncesOf: (requestId) => db.select().from(nonceReservations).where(eq(nonceReservations.requestId, requestId)).orderBy(asc(nonceReservations.nonce)),
    funds: (requestId) => getFunds(db, requestId),
    async timeline(requestId) {
      const rows = await db.select().from(withdrawalEvents).where(eq(withdrawalEvents.requestId, requestId)).orderBy(asc(withdrawalEvents.id));
      return rows.map(({ type }) => type);
    },
    mine,
    chainNonce: async (block = 'latest') => Number(await chain.rpc.call<string>('eth_getTransactionCount', [wallet, block])),
    async spendNonce() {
      await chain.rpc.call('anvil_impersonateAccount', [wallet]);
      const nonce = await chain.rpc.call<string>('eth_getTransactionCount', [wallet, 'latest']);
      const hash = await chain.rpc.call<Hash>('eth_sendTransaction', [{ from: wallet, to: wallet, value: '0x0', nonce, gas: '0x5208', maxFeePerGas: '0x9184e72a000', maxPriorityFeePerGas: '0x1bf08eb000' }]);
      await chain.rpc.call('anvil_stopImpersonatingAccount', [wallet]);
      await mine();
      return hash;
    },
  };
}

/** The RPC, doing something else first, the first time `method` is called: what happens while an activity reads the chain. */
export function interrupted(rpc: Rpc, method: string, interruption: () => Promise<unknown>): Rpc {
  let pending = true;
  return rpcThrough(rpc.chainId, async <T>(called: string, params: readonly unknown[]): Promise<T> => {
    const answer = await rpc.call<T>(called, params);
    if (pending && called === method) {
      pending = false;
      await interruption();
    }
    return answer;
  });
}

/**
 * Does `work` while another transaction, which did `before`, is open: it commits once `work` waits in a statement like `waiting`
 * (of LIKE), or is over without having waited.
 */
export async function workBehind<Result>({ engine: { database } }: Bench, before: (tx: Transaction) => Promise<unknown>, waiting: string, work: () => Promise<Result>): Promise<Result> {
  const run: { working?: Promise<Result>; over: boolean } = { over: false };
  await transact(database.db, async (tx) => {
    await before(tx);
    run.working = work().finally(() => (run.over = true));
    run.working.catch(() => undefined);
    for (let isWaiting = false; !isWaiting && !run.over; ) {
      const [rows] = await database.pool.query<RowDataPacket[]>('SELECT 1 FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND db = DATABASE() AND info LIKE ?', [waiting]);
      isWaiting = rows.length > 0;
    }
  });
  if (!run.working) throw new Error('nothing was done');
  return run.working;
}

/** Does `work` while a halt of everything is being set. */
export const workBehindHalt = <Result>(bench: Bench, work: () => Promise<Result>): Promise<Result> =>
  workBehind(
    bench,
    async (tx) => {
      await tx.execute(sql`SELECT id FROM halts_gate FOR UPDATE`);
      await setHalt(tx, { scope: 'GLOBAL', target: EVERYTHING, kind: 'OPERATOR', reason: 'test', setBy: 'test' });
    },
    '%halts_gate LOCK IN SHARE MODE%',
    work,
  );

export const randomHash = (): Hash => `0x${randomBytes(32).toString('hex')}`;
