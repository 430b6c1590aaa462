/**
 * How much slower guessing passwords gets. Guesses are counted in two ways: for an address and the place they come from, so
 * that a stranger's guesses keep nobody else out; and for the address from everywhere, so that many places together get no
 * further. The second is not asked of a place from where somebody has signed in, so that it keeps no one out of their own
 * account who does not move about.
 */

export interface GuessRule {
  /** wrong passwords before the first wait */
  free: number;
}
export const AT_PLACE: GuessRule = { free: 5 };
/** NIST SP 800-63B (rev. 4, 3.2.2) asks for a limit of a hundred. */
export const FROM_EVERYWHERE: GuessRule = { free: 100 };

const WAIT_MS_FIRST = 1_000;
const WAIT_MS_MAX = 15 * 60_000;
/** Failures count until there was none for so long, not until somebody signs in: see `takenBack`. */
const FADE_MS = 3_600_000;
/** A place stays known for so long after a sign-in. */
export const KNOWN_PLACE_MS = 30 * 24 * 3_600_000;

export interface GuessCount {
  failures: number;
  waitUntil: Date | null;
  /** from then on they count no more */
  fadesAt: Date;
}

export type Guess =
  | { kind: 'wait'; retryAfterMs: number }
  /** it may be tried, and counts as wrong until it is taken back */
  | { kind: 'counted'; next: GuessCount };

/** One more guess. It is counted before it is tried: of many at once no more are tried than of many in a row. */
export function countGuess(rule: GuessRule, before: GuessCount | undefined, now: Date): Guess {
  const retryAfterMs = (before?.waitUntil?.getTime() ?? 0) - now.getTime();
  if (retryAfterMs > 0) return { kind: 'wait', retryAfterMs };
  const failures = (before && before.fadesAt > now ? before.failures : 0) + 1;
  const waitMs = failures < rule.free ? 0 : Math.min(WAIT_MS_FIRST * 2 ** (failures - rule.free), WAIT_MS_MAX);
  const free = now.getTime() + waitMs;
  return { kind: 'counted', next: { failures, waitUntil: waitMs === 0 ? null : new Date(free), fadesAt: new Date(free + FADE_MS) } };
}

/**
 * The count without a guess that was right. It forgets that one only, not the wrong ones before: under one address there may be
 * several accounts, and whoever has one of them would start afresh with the others each time they sign in.
 * @param mine what the guess had set
 */
export function takenBack(count: GuessCount, mine: GuessCount): GuessCount {
  const waitIsMine = mine.waitUntil !== null && count.waitUntil?.getTime() === mine.waitUntil.getTime();
  return { failures: Math.max(0, count.failures - 1), waitUntil: waitIsMine ? null : count.waitUntil, fadesAt: count.fadesAt };
}
