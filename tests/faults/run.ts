import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool, type Pool, type RowDataPacket } from 'mysql2/promise';
import { payloadKeysEnv } from '../../scripts/sandbox/connections.ts';
import { PROJECT_ROOT, statePaths } from '../../scripts/stack/paths.ts';
import type { Progress } from '../../scripts/command-line/progress.ts';
import type { Credentials } from '../../scripts/sandbox/credentials.ts';
import { temporalSettingsFrom } from '../../temporal-config/connection.ts';
import { startSandbox, type TestSandbox } from '../harness/sandbox.ts';
import { createChainActs } from './chain-acts.ts';
import { checkRun, type Checked, type CheckInput } from './checker/checker.ts';
import { callNode, readBalances } from './checker/read-chain.ts';
import { createInjector, type Injected, type Injector } from './inject.ts';
import { openJournal, type Journal } from './journal.ts';
import { createLoad, type Load } from './load.ts';
import { diceOf, planFaults, type PlannedFault } from './plan.ts';
import { proxyOf, startProxies, type FaultProxies } from './proxies.ts';
import { openTemporalActs, type TemporalActs } from './temporal-acts.ts';

export interface FaultRunOptions {
  seed: number;
  /** how long faults are injected */
  lengthMs: number;
  /** withdrawals posted a second */
  rate: number;
  /** an empty directory; holds all of the run's state and its record */
  stateDir: string;
  /** told one line at a time */
  say: (line: string) => void;
  progress?: Progress;
  /** ends the run early, without a judgement */
  signal?: AbortSignal;
  /** called after the judgement, while everything still runs */
  afterwards?: (judged: CheckInput) => Promise<void>;
}

export interface FaultReport {
  seed: number;
  minutes: number;
  rate: number;
  replay: string;
  injected: Record<string, { done: number; notPossible: number }>;
  /** processes the supervisor started again */
  restarts: number;
  posted: number;
  accepted: number;
  lostAnswers: number;
  cancelsAsked: number;
  endedAs: Record<string, number>;
  answeredByAPerson: number;
  /** from the end of the faults to the last end of a withdrawal accepted before it; null when some never ended */
  recoverMs: number | null;
  /** from accepted to completed, ms */
  latency: { p50: number; p95: number; max: number } | null;
  duplicates: number;
  losses: number;
  invariants: { title: string; checked: number; violations: number }[];
  violations: string[];
}

const BLOCK_TIME_SECONDS = 2;
/** Reorgs of the plan go three deep: they stay above what the engine takes for final. */
const FINALITY_DEPTH = 6;
const STUCK_AFTER_BLOCKS = 8;
const RECOVER_MS_MAX = 4 * 60_000;
const REST_MS_MAX = 30_000;
const SAY_EVERY_MS = 5_000;
const CLOSING_POSTS = 4;
const ENDS = ['COMPLETED', 'FAILED', 'REJECTED', 'CANCELLED'];

/**
 * One fault run: the whole stack behind proxies, a steady load, faults by the seed; then everything is healed, every withdrawal
 * must end, and the checker judges. Resolves to the report; throws only where the run itself could not be done.
 */
export async function runFaults(options: FaultRunOptions): Promise<FaultReport> {
  mkdirSync(options.stateDir, { recursive: true });
  const journal = openJournal(join(options.stateDir, 'record.jsonl'));
  const closers: (() => Promise<void>)[] = [];
  try {
    const started: FaultProxies[] = [];
    const sandbox = await startSandbox(
      { SETTINGS_FILE: writeSettings(options.stateDir) },
      {
        stateDir: options.stateDir,
        ...(options.progress && { progress: options.progress }),
        through: async (connections) => {
          const { proxies, reached } = await startProxies(connections, apiPortOf(options.stateDir));
          started.push(proxies);
          closers.unshift(proxies.stop);
          return reached;
        },
      },
    );
    closers.unshift(sandbox.stop);
    const [proxies] = started;
    if (!proxies) throw new Error('the roles were started without proxies');
    const stage = await setStage(options, sandbox, proxies, journal);
    closers.unshift(stage.close);
    return await Promise.race([play(options, stage), ...(options.signal ? [abortOf(options.signal)] : [])]);
  } finally {
    for (const close of closers) await close();
  }
}

interface Stage {
  sandbox: TestSandbox;
  credentials: Credentials;
  journal: Journal;
  pool: Pool;
  temporal: TemporalActs;
  load: Load;
  injector: Injector;
  close(): Promise<void>;
}

async function setStage(options: FaultRunOptions, sandbox: TestSandbox, proxies: FaultProxies, journal: Journal): Promise<Stage> {
  const credentials = JSON.parse(readFileSync(join(options.stateDir, 'credentials.json'), 'utf8')) as Credentials;
  const { rpcUrl, databaseUrl, wallets } = credentials;
  const chainId = Number(await callNode<string>(rpcUrl, 'eth_chainId', []));
  const pool = createPool({ uri: databaseUrl, connectionLimit: 2 });
  const temporal = await openTemporalActs(temporalSettingsFrom({ TEMPORAL_ADDRESS: credentials.temporalAddress, ...payloadKeysEnv({ env: {}, paths: statePaths(options.stateDir) }) }));
  const [users] = await pool.query<RowDataPacket[]>('SELECT id FROM users WHERE email = ?', [credentials.user.email]);

  const tokens = credentials.assets.flatMap(({ tokenAddress }) => tokenAddress ?? []);
  const head = await callNode<string>(rpcUrl, 'eth_blockNumber', []);
  const balances = async (address: string) => (await readBalances(rpcUrl, address, tokens, head)).map(({ tokenAddress, amount }) => ({ tokenAddress, amount: amount.toString() }));
  journal.write({ type: 'run', seed: options.seed, chainId, fromBlock: Number(head), wallets: await Promise.all(wallets.map(async (address) => ({ address, balances: await balances(address) }))) });

  const load = createLoad({
    baseUrl: `http://${proxyOf(proxies.tcp, 'api').address}`,
    account: credentials.user,
    ownerId: Number(users[0]?.['id']),
    assets: credentials.assets,
    journal,
    dice: diceOf(options.seed, 2),
    seed: options.seed,
    postsPerSecond: options.rate,
  });
  const injector = createInjector({
    proxies,
    chain: createChainActs(rpcUrl, journal, { blockTimeSeconds: BLOCK_TIME_SECONDS }),
    temporal,
    load,
    redisUrl: credentials.redisUrl,
    wallets,
    processOf: sandbox.processOf,
    withdrawals: async () => await openAndCompleted(pool),
  });
  const close = async (): Promise<void> => {
    await Promise.allSettled([pool.end(), temporal.close()]);
  };
  return { sandbox, credentials, journal, pool, temporal, load, injector, close };
}

async function play(options: FaultRunOptions, stage: Stage): Promise<FaultReport> {
  const { load, injector, journal, pool } = stage;
  const plan = planFaults(options.seed, options.lengthMs);
  const startedAt = Date.now();
  const injected: Injected[] = [];
  const posting = new AbortController();
  options.signal?.addEventListener('abort', () => posting.abort(), { once: true });
  const stopSaying = sayEvery(SAY_EVERY_MS, async () => {
    const { open, completed } = await openAndCompleted(pool);
    const ended = load.accepted.size - open.length;
    options.say(`${clock(startedAt)}  accepted ${load.accepted.size}, ended ${ended} (${completed.length} paid), lost answers ${load.counts.lostAnswers}, faults ${injected.length} of ${plan.length}, now: ${[...injector.standing].join(', ') || 'none'}`);
  });
  try {
    const loading = load.run(posting.signal);
    await injectAll(options, plan, injector, injected, startedAt);
    await injector.heal();
    const healedAt = Date.now();
    journal.write({ type: 'healed' });
    options.say(`${clock(startedAt)}  healed`);
    posting.abort();
    await loading;
    const beforeHeal = [...load.accepted.keys()];
    await within(RECOVER_MS_MAX, 'every POST answered', async () => await load.settled());
    // The first withdrawals of the healed engine; they also bring every wallet's books up to its last foreign transaction.
    for (let index = 0; index < CLOSING_POSTS; index += 1) await within(RECOVER_MS_MAX, 'a POST answered after the healing', async () => await load.postOne());
    const answeredByAPerson = await untilEnded(stage, healedAt + RECOVER_MS_MAX);
    await untilAtRest(stage);
    await within(RECOVER_MS_MAX, 'every key replayed', async () => await load.replayAll());
    const judged: CheckInput = { recordFile: journal.file, databaseUrl: stage.credentials.databaseUrl, rpcUrl: stage.credentials.rpcUrl };
    const checked = await checkRun(judged);
    const report = reportOf(options, stage, { injected, checked, healedAt, beforeHeal, answeredByAPerson });
    writeFileSync(join(options.stateDir, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
    writeFileSync(join(options.stateDir, 'timelines.json'), `${JSON.stringify(await timelinesOf(pool, report.violations), null, 1)}\n`);
    writeFileSync(join(options.stateDir, 'injected.json'), `${JSON.stringify(injected, null, 1)}\n`);
    await options.afterwards?.(judged);
    return report;
  } finally {
    stopSaying();
    await injector.heal();
  }
}

async function injectAll(options: FaultRunOptions, plan: readonly PlannedFault[], injector: Injector, injected: Injected[], startedAt: number): Promise<void> {
  const running: Promise<void>[] = [];
  const injectOne = async (fault: PlannedFault): Promise<void> => {
    injected.push(await injector.inject(fault));
  };
  for (const fault of plan) {
    await sleep(Math.max(0, startedAt + fault.atMs - Date.now()));
    if (options.signal?.aborted === true) return;
    running.push(injectOne(fault));
  }
  await sleep(Math.max(0, startedAt + options.lengthMs - Date.now()));
  await injector.heal();
  await Promise.all(running);
}

/** Waits until every row has an end. A dead letter gets one answer of a person: "retry". Resolves to how many did. */
async function untilEnded(stage: Stage, deadline: number): Promise<number> {
  const answered = new Set<string>();
  for (;;) {
    try {
      const [open] = await stage.pool.query<RowDataPacket[]>('SELECT request_id, status FROM withdrawal_requests WHERE status NOT IN (?)', [ENDS]);
      if (open.length === 0) return answered.size;
      for (const row of open) {
        const requestId = String(row['request_id']);
        if (row['status'] !== 'DEAD_LETTERED' || answered.has(requestId)) continue;
        await stage.temporal.retry(requestId);
        answered.add(requestId);
      }
    } catch (error) {
      // A part that was killed at the last moment is still on its way back.
      if (Date.now() > deadline) throw error;
    }
    if (Date.now() > deadline) return answered.size;
    await sleep(500);
  }
}

/** Ended in the books is not at rest on chain yet: voids and bumped twins may still be in a pool. */
async function untilAtRest({ credentials }: Stage): Promise<void> {
  const deadline = Date.now() + REST_MS_MAX;
  const count = async (wallet: string, block: string): Promise<string> => await callNode<string>(credentials.rpcUrl, 'eth_getTransactionCount', [wallet, block]);
  for (;;) {
    const waiting = await Promise.all(credentials.wallets.map(async (wallet) => (await count(wallet, 'latest')) !== (await count(wallet, 'pending'))));
    if (!waiting.includes(true) || Date.now() > deadline) return;
    await sleep(500);
  }
}

interface Outcome {
  injected: readonly Injected[];
  checked: Checked;
  healedAt: number;
  beforeHeal: readonly string[];
  answeredByAPerson: number;
}

function reportOf(options: FaultRunOptions, { load, journal, sandbox }: Stage, outcome: Outcome): FaultReport {
  const { checked, healedAt } = outcome;
  const minutes = options.lengthMs / 60_000;
  const injected: FaultReport['injected'] = {};
  for (const { fault, done } of outcome.injected) {
    const counted = (injected[fault.kind] ??= { done: 0, notPossible: 0 });
    counted[done ? 'done' : 'notPossible'] += 1;
  }
  const endedAs: FaultReport['endedAs'] = {};
  for (const { status } of checked.books.withdrawals) endedAs[status] = (endedAs[status] ?? 0) + 1;
  const acceptedAt = new Map<string, number>();
  for (const line of journal.lines) if (line.type === 'accepted' && !acceptedAt.has(line.requestId)) acceptedAt.set(line.requestId, line.at);
  const early = new Set(outcome.beforeHeal);
  const ends = checked.books.withdrawals.filter(({ requestId }) => early.has(requestId)).map(({ completedAtMs }) => completedAtMs);
  const latencies = checked.books.withdrawals.flatMap(({ requestId, status, completedAtMs }) => (status === 'COMPLETED' && completedAtMs !== null ? [completedAtMs - (acceptedAt.get(requestId) ?? completedAtMs)] : [])).toSorted((left, right) => left - right);
  const at = (share: number): number => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return {
    seed: options.seed,
    minutes,
    rate: options.rate,
    replay: `npm run faults -- --seed ${options.seed} --minutes ${minutes} --rate ${options.rate}`,
    injected,
    restarts: sandbox.log.filter((line) => line.includes('starting it again')).length,
    posted: load.counts.posted,
    accepted: load.accepted.size,
    lostAnswers: load.counts.lostAnswers,
    cancelsAsked: load.counts.cancelsAsked,
    endedAs,
    answeredByAPerson: outcome.answeredByAPerson,
    recoverMs: ends.includes(null) ? null : Math.max(0, ...ends.map((end) => (end ?? 0) - healedAt)),
    latency: latencies.length === 0 ? null : { p50: at(0.5), p95: at(0.95), max: at(1) },
    duplicates: checked.duplicates,
    losses: checked.losses,
    invariants: checked.invariants.map(({ title, checked: count, violations }) => ({ title, checked: count, violations: violations.length })),
    violations: checked.violations,
  };
}

async function openAndCompleted(pool: Pool): Promise<{ open: string[]; completed: string[] }> {
  const [rows] = await pool.query<RowDataPacket[]>('SELECT request_id, status FROM withdrawal_requests ORDER BY created_at');
  const having = (fits: (status: string) => boolean): string[] => rows.filter((row) => fits(String(row['status']))).map((row) => String(row['request_id']));
  return { open: having((status) => !ENDS.includes(status)), completed: having((status) => status === 'COMPLETED') };
}

/** What the engine wrote down about the withdrawals that a violation names. */
async function timelinesOf(pool: Pool, violations: readonly string[]): Promise<object[]> {
  const named = [...new Set(violations.flatMap((violation) => violation.match(/tx-[0-9]{13}-[0-9a-f]{20}/g) ?? []))];
  if (named.length === 0) return [];
  const [events] = await pool.query<RowDataPacket[]>('SELECT request_id, created_at, type, status, detail FROM withdrawal_events WHERE request_id IN (?) ORDER BY request_id, id', [named]);
  return events;
}

/** The sandbox's own settings, but with a finality that reorgs of a few blocks stay above, and replacements within a short run. */
function writeSettings(stateDir: string): string {
  const settings = JSON.parse(readFileSync(join(PROJECT_ROOT, 'docker', 'settings', 'sandbox.json'), 'utf8')) as { chain: object };
  const file = join(stateDir, 'settings.json');
  writeFileSync(file, JSON.stringify({ ...settings, chain: { ...settings.chain, finality: { mode: 'depth', depth: FINALITY_DEPTH }, stuckAfterBlocks: STUCK_AFTER_BLOCKS } }));
  return file;
}

/** Written by provisioning, which comes before the roles. */
function apiPortOf(stateDir: string): number {
  const { baseUrl } = JSON.parse(readFileSync(join(stateDir, 'credentials.json'), 'utf8')) as Credentials;
  return Number(new URL(baseUrl).port);
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  });
}

async function within(ms: number, what: string, act: () => Promise<void>): Promise<void> {
  const late = AbortSignal.timeout(ms);
  await Promise.race([
    act(),
    new Promise<never>((_resolve, reject) => {
      late.addEventListener('abort', () => reject(new Error(`not within ${ms / 1000} s: ${what}`)));
    }),
  ]);
}

function sayEvery(ms: number, speak: () => Promise<void>): () => void {
  // A line that could not be told (the database was just killed) is the next one's.
  const timer = setInterval(() => void speak().catch(() => undefined), ms);
  return () => clearInterval(timer);
}

function clock(startedAt: number): string {
  return `${String(Math.round((Date.now() - startedAt) / 1000)).padStart(5)} s`;
}
