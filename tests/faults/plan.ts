import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Everything a run does to the engine, by the name that the report counts it under. */
export const FAULT_KINDS = [
  /** SIGKILL of a role; the supervisor starts it again */
  'kill-role',
  /** SIGSTOP of a role for longer than Temporal's heartbeat timeout, then SIGCONT: it wakes up as somebody's predecessor */
  'freeze-role',
  /** SIGKILL of database, Redis or Temporal */
  'kill-part',
  'cut',
  'stall',
  'latency',
  'reset',
  'swallow',
  /** half-open for good: what went silent stays open and dead, also after the healing; new connections work */
  'black-hole',
  'rpc-refuse',
  'rpc-delay',
  'rpc-error',
  'rpc-429',
  'rpc-503',
  /** the node takes the transaction, its answer is lost */
  'rpc-drop-answer',
  'rpc-lag',
  /** earlier POSTs again, several times at once */
  'repeat-posts',
  /** starts the workflow of an accepted withdrawal again under its own id, whether it runs or has completed */
  'start-again',
  /** a second workflow, under another id, for a withdrawal that has one */
  'second-workflow',
  'terminate',
  'reset-running',
  'reset-completed',
  'reorg',
  'fee-spike',
  'drain-gas',
  'redis-flush',
  /** a transaction past the engine, of no value, from a hot wallet */
  'foreign-transaction',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export const FAULT_ROLES = ['api-server', 'withdrawal-worker', 'signing-service', 'tx-broadcaster', 'tx-monitor'] as const;
const PROXY_TARGETS = ['mysql', 'redis', 'temporal', 'aws', 'api'] as const;
export type ProxyTarget = (typeof PROXY_TARGETS)[number];

interface Card {
  readonly kind: FaultKind;
  /** role, part, proxied service, endpoint (`0`, `1`, `both`) or wallet index */
  readonly target: string;
  /** how long it stands, ms; both 0 for an act */
  readonly lasts: readonly [number, number];
  /** blocks, bytes, gwei or milliseconds, by kind */
  readonly amount: readonly [number, number];
}

export interface PlannedFault {
  readonly atMs: number;
  readonly kind: FaultKind;
  readonly target: string;
  readonly durationMs: number;
  readonly amount: number;
  /** chooses among what is there when it happens: a withdrawal, an event of a history */
  readonly pick: number;
}

const NONE = [0, 0] as const;
/** Longer than the 8 s after which Temporal gives a silent worker's task to another. */
const FREEZE = [9_000, 13_000] as const;
const BRIEF = [1_500, 5_000] as const;

const each = (kind: FaultKind, targets: readonly string[], lasts: readonly [number, number] = NONE, amount: readonly [number, number] = NONE): Card[] => targets.map((target) => ({ kind, target, lasts, amount }));

/** One of each, dealt in full before any comes a second time. How often a kind is in here is its weight. */
const DECK: readonly Card[] = [
  ...each('kill-role', FAULT_ROLES),
  ...each('freeze-role', FAULT_ROLES, FREEZE),
  ...each('kill-part', ['mariadb', 'redis', 'temporal']),
  ...each('cut', PROXY_TARGETS, BRIEF),
  ...each('stall', ['mysql', 'redis', 'temporal', 'api'], BRIEF),
  ...each('latency', ['mysql', 'temporal', 'redis'], [3_000, 8_000], [100, 600]),
  ...each('reset', ['mysql', 'temporal', 'api'], BRIEF, [0, 4_000]),
  ...each('swallow', ['mysql', 'redis', 'temporal'], BRIEF),
  ...each('black-hole', ['mysql', 'mysql', 'redis', 'temporal'], BRIEF),
  ...each('rpc-refuse', ['0', 'both'], [2_000, 8_000]),
  ...each('rpc-delay', ['0', 'both'], [2_000, 8_000], [500, 7_000]),
  ...each('rpc-error', ['both'], [2_000, 6_000]),
  ...each('rpc-429', ['both'], [2_000, 6_000]),
  ...each('rpc-503', ['1', 'both'], [2_000, 6_000]),
  ...each('rpc-drop-answer', ['0', 'both', 'both'], [3_000, 8_000]),
  ...each('rpc-lag', ['0', '1', 'both'], [4_000, 12_000], [2, 8]),
  ...each('repeat-posts', ['', ''], NONE, [3, 8]),
  ...each('start-again', ['', '']),
  ...each('second-workflow', ['']),
  ...each('terminate', ['', '']),
  ...each('reset-running', ['', '']),
  ...each('reset-completed', ['']),
  ...each('reorg', ['', '', ''], NONE, [1, 3]),
  ...each('fee-spike', [''], [4_000, 15_000], [200, 1_500]),
  ...each('drain-gas', ['0', '1'], [4_000, 12_000]),
  ...each('redis-flush', ['']),
  ...each('foreign-transaction', ['0', '1'], NONE, [0, 1]),
];

/** Two faults are this far apart, about; the first deal holds every kind, so a run of some minute sees all of them. */
const GAP_MS = [800, 3_600] as const;

export interface Dice {
  /** a whole number from `from` to `to`, both included */
  between(from: number, to: number): number;
  shuffled<Item>(items: readonly Item[]): Item[];
}

/** A stream of numbers that follows from the seed alone; `stream` keeps the plan's and the load's apart. */
export function diceOf(seed: number, stream: number): Dice {
  const generator = xoroshiro128plus(Math.imul(seed, 0x9e3779b1) ^ stream);
  const between = (from: number, to: number): number => uniformInt(generator, from, to);
  return {
    between,
    shuffled(items) {
      const left = [...items];
      return items.map(() => left.splice(between(0, left.length - 1), 1)[0] as (typeof items)[number]);
    },
  };
}

/** The schedule of a run. Pure: the same seed and length give the same plan. */
export function planFaults(seed: number, lengthMs: number): PlannedFault[] {
  const dice = diceOf(seed, 1);
  const faults: PlannedFault[] = [];
  let cards = dealt(dice);
  for (let atMs = dice.between(...GAP_MS); atMs < lengthMs; atMs += dice.between(...GAP_MS)) {
    if (cards.length === 0) cards = dealt(dice);
    const [card, ...left] = cards;
    if (!card) throw new Error('the deck is empty');
    cards = left;
    faults.push({ atMs, kind: card.kind, target: card.target, durationMs: dice.between(...card.lasts), amount: dice.between(...card.amount), pick: dice.between(0, 1_000_000) });
  }
  return faults;
}

/** The deck in a random order, but with one card of every kind before the rest. */
function dealt(dice: Dice): Card[] {
  const rest = dice.shuffled(DECK);
  const first = dice.shuffled(FAULT_KINDS).map((kind) => {
    const index = rest.findIndex((card) => card.kind === kind);
    const [card] = rest.splice(index, 1);
    if (index < 0 || !card) throw new Error(`no card of ${kind}`);
    return card;
  });
  return [...first, ...rest];
}
