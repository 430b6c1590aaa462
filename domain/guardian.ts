import type { AlertKind } from './alerts.ts';
import type { AttemptStatus, NonceState, WalletStatus } from './status.ts';

/**
 * What a wallet's guardian concludes from one look at the chain and the database. Pure: the same view and memory give
 * the same judgement, and acting on it twice is for the acting side to bear.
 */

/** Nonces filled, and strangers' transactions examined, in one look: the rest waits for the next. */
export const FILLS_MAX = 16;
export const EXAMINED_MAX = 20;
/** More nonces at once than this is no foreign transaction but a wrong chain or a restored backup. */
export const AHEAD_MAX = 1_000;

/** Temporal workflow id of a wallet's guardian. */
export function guardianIdOf(chainId: number, wallet: string): string {
  return `guardian-${chainId}-${wallet.toLowerCase()}`;
}

const FILLER_PREFIX = 'fill-';

/** The holder of a nonce that belongs to no withdrawal: at most 64 characters, as a request id. */
export function fillerIdOf(chainId: number, wallet: string, nonce: number): string {
  return `${FILLER_PREFIX}${chainId}-${wallet.slice(2).toLowerCase()}-${nonce}`;
}

/** True for the holder of a filled nonce. */
export function isFillerId(holder: string): boolean {
  return holder.startsWith(FILLER_PREFIX);
}

export interface NonceRow {
  nonce: number;
  state: NonceState;
  /** who holds it now; null when nobody does */
  holder: string | null;
  /** signed bytes were committed on it at some time */
  hasBytes: boolean;
  /** a stranger's transaction was proven on it */
  proven: boolean;
}

/** A nonce the books do not explain, and the transaction the final chain shows on it; null without proof. */
export interface Stranger {
  nonce: number;
  consumer: {
    txHash: string;
    blockNumber: number;
    ours: boolean;
    /** value may have left, and nobody had declared it */
    movesValue: boolean;
    to: string | null;
    valueWei: bigint;
    /** the declared movement it is, and the log that shows it */
    movement?: { id: number; logIndex: number } | null;
  } | null;
}

export interface FillerView {
  requestId: string;
  nonce: number;
  attempts: readonly { ordinal: number; txHash: string; status: AttemptStatus }[];
  /** a receipt of any attempt; final once the chain will not take it back */
  receipt: { txHash: string; final: boolean } | null;
  /** a node knows the newest attempt */
  known: boolean;
}

export interface WalletView {
  status: WalletStatus;
  /** the engine paused it because it could not pay for gas */
  pausedForGas: boolean;
  /** head of the chain when the counts were read */
  block: number;
  /** the wallet's transaction count at that block, and with what waits in the pool */
  latest: number;
  pending: number;
  nativeWei: bigint;
  /** coins promised and not yet settled, gas included, wei */
  promisedWei: bigint;
  /** the first nonce never given out; null before the first */
  next: number | null;
  /** every nonce not finally explained, ascending */
  rows: readonly NonceRow[];
  strangers: readonly Stranger[];
  fillers: readonly FillerView[];
  /** the counter of the fast front; null when it holds none or is away */
  frontCounter: number | null;
  /** settled payments whose block left the chain */
  undone: readonly { txHash: string; requestId: string; blockNumber: number }[];
}

/** What must be known from earlier looks. Travels in the workflow, so that no process has to live on. */
export interface GuardianMemory {
  /** head of the last look */
  block: number;
  /** the lowest nonce bytes wait for, and since which block it is that one */
  head: { nonce: number; sinceBlock: number } | null;
  /** since which block something is unexplained */
  drift: { sinceBlock: number } | null;
  /** block of the look that last found a stranger's transaction */
  strangerBlock: number | null;
  /** newest attempt of each filler, and since which block it is out */
  fillers: readonly { txHash: string; sinceBlock: number }[];
  /** the fast front's counter, where it disagreed */
  frontCounter: number | null;
}

export const NOTHING_SEEN: GuardianMemory = { block: 0, head: null, drift: null, strangerBlock: null, fillers: [], frontCounter: null };

export interface GuardianLimits {
  gasLowWei: bigint;
  headOfLineBlocks: number;
  /** blocks after which an unmined filler is replaced, and something unexplained counts as drift */
  stuckAfterBlocks: number;
}

type Detail = Record<string, string | number | null>;

/** Conditions that end by themselves: a detail while they stand, null once they are gone. */
export type GuardedKind = Extract<AlertKind, 'GAS_LOW' | 'NONCE_DRIFT' | 'NONCE_GAP' | 'HEAD_OF_LINE' | 'FOREIGN_TRANSACTION'>;
/** Conditions only a person ends. */
export type HaltingKind = Extract<AlertKind, 'FOREIGN_OUTFLOW' | 'FINALITY_UNDONE'>;
/** The wallet gives out no nonce while one of these stands. */
export const PAUSING_KINDS = ['GAS_LOW', 'NONCE_DRIFT'] as const satisfies readonly GuardedKind[];

export type FillerStep =
  /** the chain finally ruled: consumed by this attempt, or by a stranger */
  | { kind: 'end'; filler: FillerView; consumedBy: string | null }
  /** in a block, not final */
  | { kind: 'mined'; filler: FillerView }
  /** sign this attempt, then send it */
  | { kind: 'sign'; filler: FillerView; ordinal: number }
  | { kind: 'send'; filler: FillerView }
  | { kind: 'wait'; filler: FillerView };

export interface Judgement {
  conditions: Record<GuardedKind, Detail | null>;
  halts: { reason: HaltingKind; detail: Detail }[];
  /** nonces to be taken for fillers */
  fill: number[];
  fillers: FillerStep[];
  /** strangers to be written into the books (resync), ascending and without a hole from the first nonce never given out */
  resync: (Stranger & { consumer: NonNullable<Stranger['consumer']> })[];
  repairFront: boolean;
  memory: GuardianMemory;
}

/**
 * Nonces at or below the final block that the books do not explain, lowest first: never given out, or given out without
 * bytes, or lost and not yet looked at, or a filler's whose receipt nobody shows.
 */
export function unexplained(view: { rows: readonly NonceRow[]; next: number | null; finalCount: number }): number[] {
  const { rows, next, finalCount } = view;
  if (next === null) return [];
  const open = rows.filter((row) => row.nonce < finalCount && isUnexplained(row)).map(({ nonce }) => nonce);
  const ahead = Math.min(Math.max(0, finalCount - next), EXAMINED_MAX);
  return [...open, ...Array.from({ length: ahead }, (_, index) => next + index)].toSorted((left, right) => left - right).slice(0, EXAMINED_MAX);
}

function isUnexplained(row: NonceRow): boolean {
  switch (row.state) {
    case 'RESERVED':
    case 'FREED':
      return true;
    case 'FOREIGN':
      return !row.proven;
    case 'VOIDING':
      return row.holder !== null && isFillerId(row.holder);
    // What a withdrawal has signed its own workflow follows.
    case 'SIGNED':
    case 'CONSUMED':
      return false;
    default:
      return row.state satisfies never;
  }
}

/**
 * Judges one look. Null when the chain stood further at the last look: a lagging node, believed only when it says so
 * twice.
 */
export function judge(view: WalletView, memory: GuardianMemory, limits: GuardianLimits): Judgement | null {
  if (view.block < memory.block) return null;
  const fillers = view.fillers.map((filler) => stepOf(filler, view, memory, limits));
  const fill = view.status === 'HALTED' ? [] : findGaps(view);
  const resync = strangersToBook(view);
  const halts = findHalts(view, resync);
  const drift = findDrift(view);
  const driftSince = drift === null ? null : (memory.drift?.sinceBlock ?? view.block);
  const head = findHead(view, memory);
  // A declared movement is no news.
  const harmless = resync.filter(({ consumer }) => !consumer.movesValue && !consumer.movement);
  const strangerBlock = harmless.length > 0 ? view.block : memory.strangerBlock;
  const disagrees = view.frontCounter !== null && view.next !== null && view.frontCounter !== view.next;
  const unfilled = [...fill, ...fillers.filter(({ kind }) => kind !== 'end').map(({ filler }) => filler.nonce)];

  return {
    conditions: {
      GAS_LOW: gasDetail(view, limits),
      NONCE_DRIFT: drift !== null && driftSince !== null && view.block - driftSince >= limits.stuckAfterBlocks ? { reason: drift, sinceBlock: driftSince } : null,
      NONCE_GAP: unfilled.length > 0 ? { nonces: unfilled.join(' ') } : null,
      HEAD_OF_LINE: head !== null && view.block - head.sinceBlock >= limits.headOfLineBlocks ? { ...head, block: view.block, holder: holderOf(view, head.nonce) } : null,
      FOREIGN_TRANSACTION: strangerBlock !== null && view.block - strangerBlock < limits.headOfLineBlocks ? strangerDetail(harmless) : null,
    },
    halts,
    fill,
    fillers,
    resync,
    // A signer between proposal and decision disagrees for a moment; the same counter in two looks does not move by itself.
    repairFront: disagrees && memory.frontCounter === view.frontCounter,
    memory: {
      block: view.block,
      head,
      drift: driftSince === null ? null : { sinceBlock: driftSince },
      strangerBlock,
      fillers: view.fillers.flatMap((filler) => watchOf(filler, view, memory)),
      frontCounter: disagrees ? view.frontCounter : null,
    },
  };
}

/** Nonces nobody holds, unmined, with signed bytes waiting behind them. Without bytes behind it the next withdrawal takes a freed one. */
function findGaps(view: WalletView): number[] {
  const known = new Map(view.rows.map((row) => [row.nonce, row]));
  const waiting = view.rows.filter(({ state, hasBytes }) => hasBytes && (state === 'SIGNED' || state === 'VOIDING')).map(({ nonce }) => nonce);
  const top = Math.max(-1, ...waiting);
  const gaps: number[] = [];
  for (let nonce = view.latest; nonce < top && gaps.length < FILLS_MAX; nonce += 1) if (isGap(known.get(nonce))) gaps.push(nonce);
  return gaps;
}

/** A stranger's transaction the chain does not count any more leaves a gap; bytes of ours that had finally lost to one are a halt, not a gap. */
function isGap(row: NonceRow | undefined): boolean {
  return row === undefined || row.state === 'FREED' || (row.state === 'FOREIGN' && !row.hasBytes);
}

function stepOf(filler: FillerView, view: WalletView, memory: GuardianMemory, limits: GuardianLimits): FillerStep {
  const newest = filler.attempts.at(-1);
  if (filler.receipt) return filler.receipt.final ? { kind: 'end', filler, consumedBy: filler.receipt.txHash } : { kind: 'mined', filler };
  const stranger = view.strangers.find(({ nonce }) => nonce === filler.nonce)?.consumer;
  if (stranger && !stranger.ours) return { kind: 'end', filler, consumedBy: null };
  if (view.status === 'HALTED' || filler.nonce < view.latest) return { kind: 'wait', filler };
  if (!newest) return { kind: 'sign', filler, ordinal: 0 };
  if (newest.status === 'SIGNED') return { kind: 'send', filler };
  const since = memory.fillers.find(({ txHash }) => txHash === newest.txHash)?.sinceBlock ?? view.block;
  // Only the lowest unmined nonce can be stuck; the others wait for it.
  if (filler.nonce === view.latest && view.block - since >= limits.stuckAfterBlocks) return { kind: 'sign', filler, ordinal: newest.ordinal + 1 };
  return filler.known ? { kind: 'wait', filler } : { kind: 'send', filler };
}

function watchOf(filler: FillerView, view: WalletView, memory: GuardianMemory): { txHash: string; sinceBlock: number }[] {
  const newest = filler.attempts.at(-1);
  if (!newest) return [];
  return [memory.fillers.find(({ txHash }) => txHash === newest.txHash) ?? { txHash: newest.txHash, sinceBlock: view.block }];
}

/** The strangers proven, up to the first nonce without proof: above it nothing can be passed over. */
function strangersToBook(view: WalletView): Judgement['resync'] {
  const next = view.next ?? 0;
  const proven: Judgement['resync'] = [];
  for (const { nonce, consumer } of view.strangers) {
    const foreign = consumer !== null && !consumer.ours;
    if (!foreign && nonce >= next) break;
    if (foreign) proven.push({ nonce, consumer });
  }
  return proven;
}

function findHalts(view: WalletView, resync: Judgement['resync']): Judgement['halts'] {
  const outflows = resync.filter(({ consumer }) => consumer.movesValue);
  const reopened = view.rows.filter((row) => row.state === 'FOREIGN' && row.hasBytes && row.nonce >= view.latest);
  return [
    ...outflows.map(({ nonce, consumer }) => ({ reason: 'FOREIGN_OUTFLOW' as const, detail: { nonce, txHash: consumer.txHash, blockNumber: consumer.blockNumber, to: consumer.to, valueWei: consumer.valueWei.toString() } })),
    ...view.undone.map((payment) => ({ reason: 'FINALITY_UNDONE' as const, detail: { ...payment } })),
    ...reopened.map(({ nonce }) => ({ reason: 'FINALITY_UNDONE' as const, detail: { nonce, what: 'bytes that had finally lost their nonce may be mined again' } })),
  ];
}

/** What the rules do not explain, in words; null when everything is explained. */
function findDrift(view: WalletView): string | null {
  const { next, strangers, rows } = view;
  if (next === null) return null;
  if (view.latest - next > AHEAD_MAX) return `the chain is ${view.latest - next} nonces ahead of the books`;
  const gone = rows.find(({ state, nonce }) => state === 'CONSUMED' && nonce >= view.latest);
  if (gone) return `the chain no longer counts nonce ${gone.nonce}, which the books saw consumed`;
  const unproven = strangers.find(({ consumer }) => consumer === null);
  if (unproven) return `the chain counts nonce ${unproven.nonce} and shows no transaction of the wallet on it`;
  const unbooked = strangers.find(({ nonce, consumer }) => consumer?.ours === true && rows.every((row) => row.nonce !== nonce || row.state !== 'VOIDING'));
  if (unbooked) return `nonce ${unbooked.nonce} carries bytes of ours that the books do not hold it for`;
  if (view.pending > next) return `a transaction nobody here signed waits in the pool at nonce ${view.pending - 1}`;
  return null;
}

/** The lowest unmined nonce, while signed bytes stand at or behind it. */
function findHead(view: WalletView, memory: GuardianMemory): GuardianMemory['head'] {
  const waits = view.rows.some(({ nonce, state, hasBytes }) => hasBytes && nonce >= view.latest && (state === 'SIGNED' || state === 'VOIDING'));
  if (!waits) return null;
  return memory.head?.nonce === view.latest ? memory.head : { nonce: view.latest, sinceBlock: view.block };
}

function holderOf(view: WalletView, nonce: number): string | null {
  return view.rows.find((row) => row.nonce === nonce)?.holder ?? null;
}

/** Low below the threshold. A wallet that was paused for it is low until it also holds what it promised. */
function gasDetail(view: WalletView, limits: GuardianLimits): Detail | null {
  const needed = view.pausedForGas && view.promisedWei > limits.gasLowWei ? view.promisedWei : limits.gasLowWei;
  return view.nativeWei >= needed ? null : { nativeWei: view.nativeWei.toString(), neededWei: needed.toString() };
}

function strangerDetail(strangers: Judgement['resync']): Detail {
  const [first] = strangers;
  return first ? { nonce: first.nonce, txHash: first.consumer.txHash, blockNumber: first.consumer.blockNumber, count: strangers.length } : {};
}
