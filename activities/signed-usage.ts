import { EngineError } from '../domain/errors.ts';
import type { Usage } from '../domain/policy.ts';
import { acceptedAtOf } from '../domain/request-id.ts';
import { RollingSum } from '../domain/rolling-sum.ts';
import { sealHolds } from '../domain/seal.ts';
import { isEnd } from '../domain/status.ts';
import type { Database } from '../db/client.ts';
import { findFirstAttemptSince, listSignedIds, listSignedPayments, listUnpaid, type SignedPayment } from '../db/repositories/payments/signed-payments.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Accepted this much before a window, and decided in it, it still counts: time for funds, or for a halt to be lifted. */
const ACCEPTED_BEFORE_MS = 6 * HOUR_MS;
/** Attempts get their numbers before they are committed: so many before the newest are looked for again. */
const LATE_COMMITS = 200;
const PAGE = 2_000;
const EVERYONE = 0;
/**
 * Decisions this near to each other may stand in another order than they were made in: two workers' clocks. Of these only those of one
 * rule count against each other: what the rule let pass it let pass together, whichever came first.
 */
const ORDER_UNSURE_MS = 1_000;

/** A withdrawal the engine has signed, as far as limits ask about it. */
export interface Spending {
  requestId: string;
  ownerId: number;
  currency: string;
  decimals: number;
  /** base units */
  amount: bigint;
  decidedAtMs: number;
  policyVersion: number;
  ruleId: string;
}

export interface SignedUsage {
  /** Reads what was signed since the last call, by this process or another. Throws `SEAL_BROKEN` for a signed withdrawal whose rows were changed. */
  catchUp(): Promise<void>;
  /** What was signed of the withdrawals decided in the hour and the day before this one, itself not counted; `more` counts as if it were signed. */
  before(spending: Spending, more?: Spending): Record<'client' | 'everyone', Usage>;
  /** The newest that was decided after this one, within a day, by the same rule: of its owner, and of everyone. */
  laterThan(spending: Spending): Spending[];
  /** Looks which of those counted have ended unpaid meanwhile, and counts them no more. */
  forgetUnpaid(): Promise<void>;
}

/**
 * Counts what was signed, for the limits of the policy. Exists because the counters in the database can be lowered by who can write
 * there: this reads the sealed withdrawals behind the committed attempts, and forgets nothing it has read. A withdrawal falls on the
 * instant it was decided, which cannot be put before its acceptance: that stands in its sealed id.
 *
 * It is a lower bound of what the policy counted, so it accuses nobody wrongly: what was decided but not signed yet is not in it, and
 * what ended unpaid is taken out. Only those without a decision, which a recovery leaves, may count too much for a day. Kept in memory for the last day, read once at the first use; after that a call reads the newest
 * attempts only. Each process keeps its own.
 */
export function createSignedUsage({ db, sealKey, chainId, now = () => new Date() }: { db: Database; sealKey: Uint8Array; chainId: number; now?: () => Date }): SignedUsage {
  const known = new Map<string, Spending>();
  const unpaid = new Set<string>();
  const totals = new Map<string, RollingSum>();
  /** by the time of their decision */
  const timeline: Spending[] = [];
  const newest = new Map<string, Spending>();
  /** those without a decision */
  let undecided: Spending[] = [];
  let newestAttempt: number | null = null;
  let reading: Promise<unknown> = Promise.resolve();

  const sumOf = (key: string): RollingSum => {
    const sum = totals.get(key) ?? new RollingSum();
    totals.set(key, sum);
    return sum;
  };
  const keysOf = ({ ownerId, currency }: Spending): string[] => [ownerId, EVERYONE].flatMap((owner) => [`${owner}`, `${owner}:${currency}`]);
  const rulesOf = ({ ownerId, policyVersion, ruleId }: Spending): string[] => [ownerId, EVERYONE].map((owner) => `${owner}:${policyVersion}:${ruleId}`);

  function add(spending: Spending): void {
    known.set(spending.requestId, spending);
    if (spending.policyVersion === NO_RULE.policyVersion) undecided.push(spending);
    timeline.splice(firstAfter(timeline, spending.decidedAtMs), 0, spending);
    for (const key of keysOf(spending)) sumOf(key).add(spending.decidedAtMs, spending.amount);
    for (const rule of rulesOf(spending)) if ((newest.get(rule)?.decidedAtMs ?? 0) <= spending.decidedAtMs) newest.set(rule, spending);
  }

  function remove(spending: Spending): void {
    known.delete(spending.requestId);
    undecided = undecided.filter((one) => one !== spending);
    timeline.splice(timeline.indexOf(spending), 1);
    for (const key of keysOf(spending)) sumOf(key).remove(spending.decidedAtMs, spending.amount);
    for (const rule of rulesOf(spending)) if (newest.get(rule) === spending) newest.delete(rule);
  }

  async function read(): Promise<void> {
    const since = new Date(now().getTime() - DAY_MS - ACCEPTED_BEFORE_MS);
    if (newestAttempt === null) newestAttempt = ((await findFirstAttemptSince(db, since)) ?? 1) - 1;
    else if (!(await listSignedIds(db, chainId, newestAttempt - LATE_COMMITS)).some(({ requestId }) => isNew(requestId))) return;
    let after = newestAttempt - LATE_COMMITS;
    for (;;) {
      const page = await listSignedPayments(db, chainId, after, PAGE);
      for (const payment of page) {
        take(payment);
        after = payment.attemptId;
        newestAttempt = Math.max(newestAttempt, after);
      }
      if (page.length < PAGE) break;
    }
    forgetOld(since.getTime());
  }

  /** A second nonce of one withdrawal is not new: it is paid once, and counted once. */
  const isNew = (requestId: string): boolean => !known.has(requestId) && !unpaid.has(requestId);

  function take(payment: SignedPayment): void {
    if (!isNew(payment.requestId)) return;
    const spending = spendingOf(sealKey, payment);
    if (payment.request !== null && isEnd(payment.request.status) && payment.request.status !== 'COMPLETED') unpaid.add(payment.requestId);
    else add(spending);
  }

  let forgottenUntil = 0;
  function forgetOld(untilMs: number): void {
    if (untilMs < forgottenUntil + HOUR_MS) return;
    forgottenUntil = untilMs;
    unpaid.clear();
    for (const spending of known.values()) if (spending.decidedAtMs <= untilMs) known.delete(spending.requestId);
    timeline.splice(0, firstAfter(timeline, untilMs));
    undecided = undecided.filter(({ decidedAtMs }) => decidedAtMs > untilMs);
    for (const [key, sum] of totals) {
      sum.forget(untilMs);
      if (sum.within(0, Number.MAX_SAFE_INTEGER).count === 0) totals.delete(key);
    }
    for (const [rule, spending] of newest) if (spending.decidedAtMs <= untilMs) newest.delete(rule);
  }

  function usageOf(owner: number, spending: Spending, more: Spending | undefined): Usage {
    const within = (windowMs: number) => {
      const [from, until] = [spending.decidedAtMs - windowMs, spending.decidedAtMs];
      const total = totals.get(`${owner}:${spending.currency}`)?.within(from, until).total ?? 0n;
      const count = totals.get(`${owner}`)?.within(from, until).count ?? 0;
      const falls = (one: Spending): boolean => one.decidedAtMs > from && one.decidedAtMs <= until && (owner === EVERYONE || one.ownerId === owner);
      const notBefore = timeline.slice(firstAfter(timeline, until - ORDER_UNSURE_MS), firstAfter(timeline, until)).filter((one) => falls(one) && (one.requestId === spending.requestId || !isSameRule(one, spending)));
      // When these were decided nobody knows any more: they count also where they may have come later, or an editor would make room by forgetting.
      const forgotten = undecided.filter((one) => one.decidedAtMs > until && one.decidedAtMs < until + windowMs && one.requestId !== spending.requestId && (owner === EVERYONE || one.ownerId === owner));
      const extra = more && !known.has(more.requestId) && more.requestId !== spending.requestId ? [more].filter(falls) : [];
      const totalOf = (some: readonly Spending[]) => some.reduce((sum, one) => (one.currency === spending.currency ? sum + one.amount : sum), 0n);
      return { total: total - totalOf(notBefore) + totalOf(forgotten) + totalOf(extra), count: count - notBefore.length + forgotten.length + extra.length };
    };
    const [hour, day] = [within(HOUR_MS), within(DAY_MS)];
    return { hourTotal: hour.total, hourCount: hour.count, dayTotal: day.total, dayCount: day.count };
  }

  return {
    catchUp() {
      // One after the other: each caller sees all that was committed before it asked.
      const mine = reading.then(read, read);
      reading = mine.catch(() => undefined);
      return mine;
    },
    before: (spending, more) => ({ client: usageOf(spending.ownerId, spending, more), everyone: usageOf(EVERYONE, spending, more) }),
    laterThan(spending) {
      const later = rulesOf(spending)
        .map((rule) => newest.get(rule))
        .filter((other) => other !== undefined)
        .filter(({ requestId, decidedAtMs }) => requestId !== spending.requestId && decidedAtMs > spending.decidedAtMs && decidedAtMs < spending.decidedAtMs + DAY_MS);
      return [...new Set(later)];
    },
    async forgetUnpaid() {
      const ids = [...known.keys()];
      for (let start = 0; start < ids.length; start += PAGE) {
        for (const requestId of await listUnpaid(db, ids.slice(start, start + PAGE))) {
          const spending = known.get(requestId);
          if (!spending) continue;
          remove(spending);
          unpaid.add(requestId);
        }
      }
    },
  };
}

const isSameRule = (one: Spending, other: Spending): boolean => one.policyVersion === other.policyVersion && one.ruleId === other.ruleId;

/** The index behind the last one that was decided at `atMs` or earlier. */
function firstAfter(timeline: readonly Spending[], atMs: number): number {
  let [low, high] = [0, timeline.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((timeline[middle]?.decidedAtMs ?? 0) <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * A signed withdrawal as its seal bears it out. Throws `SEAL_BROKEN`. One that a recovery rebuilt has no decision: it counts from its
 * acceptance on, the earliest it can have been decided, and also against what was decided in the day before: see `forgotten`.
 */
function spendingOf(sealKey: Uint8Array, { requestId, request, decision }: SignedPayment): Spending {
  const acceptedAtMs = acceptedAtOf(requestId).getTime();
  const decided = decision === null ? { atMs: acceptedAtMs, ...NO_RULE } : { atMs: decision.decidedAt.getTime(), policyVersion: decision.policyVersion, ruleId: decision.ruleId };
  const isHonest = request !== null && sealHolds(sealKey, request, request.seal) && decided.atMs > acceptedAtMs - CLOCKS_APART_MS;
  if (!isHonest) throw new EngineError('SEAL_BROKEN', { requestId, row: 'signed withdrawal' });
  const { ownerId, currency, decimals, amount } = request;
  return { requestId, ownerId, currency, decimals, amount, decidedAtMs: decided.atMs, policyVersion: decided.policyVersion, ruleId: decided.ruleId };
}

/** Versions are counted from 1. */
const NO_RULE = { policyVersion: 0, ruleId: '' } as const;

/** The id's instant is by one process's clock, a decision's by another's. */
export const CLOCKS_APART_MS = 60_000;
