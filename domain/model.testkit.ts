import { array, boolean, constantFrom, integer, oneof, record, type Arbitrary } from 'fast-check';
import { mayCommit, mayFree, type SignedAttempt } from './attempts.ts';
import { bumpFees, quoteFees, type FeeLimits, type FeeMarket, type Fees } from './fees.ts';
import { decideNonce } from './nonces.ts';
import { free, newModel, nonceOf, reserve, type NonceModel } from './nonces.testkit.ts';
import type { SendVerdictKind } from './send-errors.ts';
import { beginSend, nextStep, STEPS_MAX, type SendEnd, type SendFact } from './send-policy.ts';
import { canFollow, isEnd, type AttemptPurpose, type AttemptStatus, type EndStatus, type FundState, type WithdrawalStatus } from './status.ts';

/**
 * Several withdrawals on two wallets, in memory: the database's rows, the chain with its reorgs, and the activities as they
 * really run: each reads, sleeps as long as it likes, then writes, twice or from an old reading if the dice say so. What
 * decides is not modelled but called: the rules of this folder. A test may put a broken rule in their place.
 */
export interface Rules {
  decideNonce: typeof decideNonce;
  mayCommit: typeof mayCommit;
  mayFree: typeof mayFree;
  canFollow: typeof canFollow;
  bumpFees: typeof bumpFees;
  /** what a withdrawal does when a send came to this end */
  afterSend(end: SendEnd): 'keep-nonce' | 'take-another';
  /** at which height a consumed nonce is ruled on */
  rulesAt(chain: { height: number; finalHeight: number }): number;
  /** whether a ruling is about the nonce that the request holds now */
  speaksOf(ruling: { nonce: number }, heldNonce: number): boolean;
}

export const RULES: Rules = {
  decideNonce,
  mayCommit,
  mayFree,
  canFollow,
  bumpFees,
  afterSend: () => 'keep-nonce',
  rulesAt: ({ finalHeight }) => finalHeight,
  speaksOf: (ruling, heldNonce) => ruling.nonce === heldNonce,
};

export const REQUESTS = ['a', 'b', 'c', 'd'] as const;
export type RequestName = (typeof REQUESTS)[number];
const WALLETS = 2;
/** Three of them share the first wallet, whose window is too small for all. */
const WALLET_OF: Record<RequestName, number> = { a: 0, b: 0, c: 0, d: 1 };
const WINDOW = 2;
const GWEI = 10n ** 9n;
const LIMITS: FeeLimits = { minimumTipPerGas: 25n * GWEI, maximumFeePerGas: 500n * GWEI, affordableFeePerGas: 400n * GWEI, capThresholdPerGas: 100n * GWEI, capMultiple: 3n };
const VERDICTS = ['accepted', 'already-known', 'nonce-consumed', 'underpriced-replacement', 'underpriced', 'nonce-gap', 'insufficient-funds', 'reverts', 'busy', 'unknown', 'rejected'] as const satisfies readonly SendVerdictKind[];

export interface Transaction {
  hash: number;
  wallet: number;
  nonce: number;
  /** null for a stranger's */
  request: RequestName | null;
  purpose: AttemptPurpose;
}

export interface Attempt extends Transaction {
  request: RequestName;
  ordinal: number;
  fees: Fees;
  status: AttemptStatus;
}

interface Mined extends Transaction {
  /** a payment that reverted moved nothing */
  reverted: boolean;
}

interface Request {
  wallet: number;
  status: WithdrawalStatus;
  hasLivePayment: boolean;
  cancelIntended: boolean;
  funds: FundState | null;
  timesReleased: number;
}

/** A signer between its reading and its commit. It never goes away: a later commit is a duplicate. */
interface Signing {
  request: RequestName;
  attempt: SignedAttempt;
  wallet: number;
  nonce: number;
  fees: Fees;
}

export type Ruling = { kind: 'paid' | 'unpaid' | 'voided' | 'nonce-lost'; request: RequestName; nonce: number; hash: number };

export interface World {
  rules: Rules;
  requests: Record<RequestName, Request>;
  nonces: NonceModel[];
  attempts: Attempt[];
  /** hashes that reached a pool at any time: each may be mined as long as its nonce is free */
  pool: Set<number>;
  blocks: Mined[][];
  finalHeight: number;
  market: FeeMarket;
  signings: Signing[];
  sendings: Attempt[];
  rulings: Ruling[];
  /** base units, all wallets together: what is free, held, and gone */
  money: { available: number; reserved: number; paid: number };
  /** what was done against the rules at the moment it was done */
  faults: string[];
  /** what this run has seen, to know that the dice reach it */
  seen: Set<string>;
  nextHash: number;
}

export type Move =
  | { kind: 'send-start' | 'cancel' | 'park'; request: RequestName }
  /** sign, commit and send without a pause: the plain road */
  | { kind: 'hurry'; request: RequestName; mode: 'pay' | 'replace' | 'void' }
  /** the monitor looks at every nonce */
  | { kind: 'observe' | 'rule' | 'finish' }
  | { kind: 'sign'; request: RequestName; mode: 'pay' | 'replace' | 'void'; lag: number }
  /** commits the signing, counted from the newest; `again` are duplicates and sleepers */
  | { kind: 'commit' | 'settle'; back: number }
  | { kind: 'send'; back: number; answer: SendVerdictKind | 'honest'; delivered: boolean; known: boolean }
  | { kind: 'mine'; wallet: number; pick: number; reverts: boolean }
  | { kind: 'foreign'; wallet: number }
  | { kind: 'reorg' | 'finalize'; depth: number }
  | { kind: 'market'; baseFeeGwei: number }
  | { kind: 'close'; request: RequestName; end: 'FAILED' | 'CANCELLED' | 'REJECTED' };

const request = constantFrom(...REQUESTS);
const wallet = integer({ min: 0, max: WALLETS - 1 });
/** Mostly the newest, now and then one that has slept. */
const back = oneof({ weight: 5, arbitrary: constantFrom(0) }, { weight: 3, arbitrary: integer({ min: 1, max: 2 }) }, { weight: 1, arbitrary: integer({ min: 3, max: 12 }) });
const mode = oneof({ weight: 4, arbitrary: constantFrom('pay' as const) }, { weight: 2, arbitrary: constantFrom('replace' as const) }, { weight: 2, arbitrary: constantFrom('void' as const) });
const answer = oneof({ weight: 4, arbitrary: constantFrom('honest' as const) }, { weight: 1, arbitrary: constantFrom('unknown' as const) }, { weight: 1, arbitrary: constantFrom(...VERDICTS) });

const move: Arbitrary<Move> = oneof(
  { weight: 20, arbitrary: record({ kind: constantFrom('sign' as const), request, mode, lag: oneof({ weight: 4, arbitrary: constantFrom(0) }, { weight: 1, arbitrary: integer({ min: 0, max: 2 }) }) }) },
  { weight: 24, arbitrary: record({ kind: constantFrom('commit' as const), back }) },
  { weight: 18, arbitrary: record({ kind: constantFrom('send-start' as const), request }) },
  { weight: 18, arbitrary: record({ kind: constantFrom('send' as const), back, answer, delivered: boolean(), known: boolean() }) },
  { weight: 20, arbitrary: record({ kind: constantFrom('mine' as const), wallet, pick: integer({ min: 0, max: 3 }), reverts: oneof({ weight: 9, arbitrary: constantFrom(false) }, { weight: 1, arbitrary: constantFrom(true) }) }) },
  { weight: 16, arbitrary: record({ kind: constantFrom('hurry' as const), request, mode }) },
  { weight: 8, arbitrary: record({ kind: constantFrom('finish' as const) }) },
  { weight: 2, arbitrary: record({ kind: constantFrom('foreign' as const), wallet }) },
  { weight: 7, arbitrary: record({ kind: constantFrom('reorg' as const), depth: integer({ min: 1, max: 4 }) }) },
  { weight: 10, arbitrary: record({ kind: constantFrom('finalize' as const), depth: integer({ min: 1, max: 4 }) }) },
  { weight: 8, arbitrary: record({ kind: constantFrom('observe' as const) }) },
  { weight: 10, arbitrary: record({ kind: constantFrom('rule' as const) }) },
  { weight: 18, arbitrary: record({ kind: constantFrom('settle' as const), back }) },
  { weight: 2, arbitrary: record({ kind: constantFrom('cancel' as const), request }) },
  { weight: 1, arbitrary: record({ kind: constantFrom('park' as const), request }) },
  { weight: 1, arbitrary: record({ kind: constantFrom('close' as const), request, end: constantFrom('FAILED' as const, 'CANCELLED' as const, 'REJECTED' as const) }) },
  { weight: 2, arbitrary: record({ kind: constantFrom('market' as const), baseFeeGwei: oneof({ weight: 4, arbitrary: integer({ min: 0, max: 60 }) }, { weight: 1, arbitrary: integer({ min: 0, max: 600 }) }) }) },
);

/** Random interleavings. */
export const movesArbitrary = (movesMax: number): Arbitrary<Move[]> => array(move, { maxLength: movesMax, size: 'max' });

export function newWorld(rules: Rules = RULES): World {
  const newRequest = (name: RequestName): Request => ({ wallet: WALLET_OF[name], status: 'PENDING', hasLivePayment: false, cancelIntended: false, funds: null, timesReleased: 0 });
  return {
    rules,
    requests: Object.fromEntries(REQUESTS.map((name) => [name, newRequest(name)])) as Record<RequestName, Request>,
    nonces: Array.from({ length: WALLETS }, () => newModel(0)),
    attempts: [],
    pool: new Set(),
    blocks: [],
    finalHeight: 0,
    market: { baseFeePerGas: 20n * GWEI, tipPerGas: 30n * GWEI },
    signings: [],
    sendings: [],
    rulings: [],
    money: { available: REQUESTS.length, reserved: 0, paid: 0 },
    faults: [],
    seen: new Set(),
    nextHash: 1,
  };
}

/** Makes one move. A move that the world does not allow changes nothing. */
export function play(world: World, next: Move): void {
  switch (next.kind) {
    case 'sign':
      return sign(world, next.request, next.mode, next.lag);
    case 'commit':
      return commit(world, world.signings.at(-1 - next.back));
    case 'send-start':
      return startSending(world, next.request);
    case 'send':
      return send(world, world.sendings.at(-1 - next.back), next);
    case 'mine':
      return mine(world, next.wallet, next.pick, next.reverts);
    case 'foreign':
      return foreign(world, next.wallet);
    case 'reorg':
      world.blocks.length = Math.max(world.finalHeight, world.blocks.length - next.depth);
      return;
    case 'finalize':
      world.finalHeight = Math.min(world.blocks.length, world.finalHeight + next.depth);
      return;
    case 'observe':
      return REQUESTS.forEach((name) => observe(world, name));
    case 'rule':
      return REQUESTS.forEach((name) => rule(world, name));
    case 'hurry':
      return hurry(world, next.request, next.mode);
    case 'finish':
      return finish(world);
    case 'settle':
      return settle(world, world.rulings.at(-1 - next.back));
    case 'cancel':
      if (!isEnd(world.requests[next.request].status)) world.requests[next.request].cancelIntended = true;
      return;
    case 'park':
      return park(world, next.request);
    case 'close':
      return close(world, next.request, next.end);
    case 'market':
      world.market = { ...world.market, baseFeePerGas: BigInt(next.baseFeeGwei) * GWEI };
      return;
    default:
      next satisfies never;
  }
}

export const countAt = (world: World, walletIndex: number, height: number): number => world.blocks.slice(0, height).flat().filter((mined) => mined.wallet === walletIndex).length;
const minedAt = (world: World, walletIndex: number, nonce: number, height: number): Mined | undefined => world.blocks.slice(0, height).flat().find((mined) => mined.wallet === walletIndex && mined.nonce === nonce);
export const attemptsOn = (world: World, walletIndex: number, nonce: number): Attempt[] => world.attempts.filter((attempt) => attempt.wallet === walletIndex && attempt.nonce === nonce);
const moneyModel = (world: World, walletIndex: number): NonceModel => world.nonces[walletIndex] ?? newModel(0);

/** The nonce a request holds with bytes on it, and those bytes, oldest first. */
function live(world: World, name: RequestName): { nonce: number; attempts: Attempt[] } | null {
  const walletIndex = world.requests[name].wallet;
  const nonce = nonceOf(moneyModel(world, walletIndex), name);
  return nonce === null ? null : { nonce, attempts: attemptsOn(world, walletIndex, nonce) };
}

/** As the database does it: a status that may not follow stays away. */
function moveTo(world: World, name: RequestName, status: WithdrawalStatus): boolean {
  const row = world.requests[name];
  if (!world.rules.canFollow(row.status, status)) return false;
  if (isEnd(row.status)) world.faults.push(`${name} left its end ${row.status}`);
  row.status = status;
  world.seen.add(status);
  return true;
}

function fund(world: World, name: RequestName): void {
  const row = world.requests[name];
  if (row.funds !== null || isEnd(row.status) || world.money.available < 1) return;
  row.funds = 'HELD';
  world.money.available -= 1;
  world.money.reserved += 1;
}

function endFunds(world: World, name: RequestName, state: 'CONSUMED' | 'RELEASED'): void {
  const row = world.requests[name];
  if (row.funds !== 'HELD') return;
  row.funds = state;
  row.timesReleased += 1;
  world.money.reserved -= 1;
  world.money[state === 'CONSUMED' ? 'paid' : 'available'] += 1;
}

/** The signer up to its signature, with the funds held before. `lag`: its node is so many transactions behind. */
function sign(world: World, name: RequestName, wanted: 'pay' | 'replace' | 'void', lag: number): void {
  fund(world, name);
  const row = world.requests[name];
  const held = live(world, name);
  const previous = held?.attempts.at(-1);
  if (isEnd(row.status) || row.funds !== 'HELD') return;
  if (previous && (wanted === 'pay' || (wanted === 'void' ? previous.purpose === 'VOID' : previous.status === 'SIGNED'))) return;
  if ((row.cancelIntended && wanted === 'pay') || (!previous && wanted !== 'pay')) return;
  const fees = previous ? world.rules.bumpFees(previous.fees, world.market, LIMITS) : quoteFees(world.market, LIMITS);
  if (fees === null) return void world.seen.add('held at the ceiling');
  const nonces = moneyModel(world, row.wallet);
  nonces.chainNonce = Math.max(0, countAt(world, row.wallet, world.blocks.length) - lag);
  const nonce = previous?.nonce ?? reserve(nonces, name, WINDOW, world.rules.decideNonce);
  if (nonce === null) return void world.seen.add('window full');
  if (!previous) moveTo(world, name, 'SIGNING');
  const attempt: SignedAttempt = { reservationId: nonce, generation: nonces.rows.get(nonce)?.generation ?? 0, ordinal: (previous?.ordinal ?? -1) + 1, purpose: wanted === 'void' || previous?.purpose === 'VOID' ? 'VOID' : 'PAY' };
  world.signings.push({ request: name, attempt, wallet: row.wallet, nonce, fees });
}

function commit(world: World, signing: Signing | undefined): void {
  if (!signing) return;
  const { request: name, attempt, nonce } = signing;
  const row = world.requests[name];
  const nonces = moneyModel(world, row.wallet);
  const held = live(world, name);
  const reservation = held && nonces.rows.get(held.nonce);
  const newest = held?.attempts.at(-1) ?? null;
  const decision = world.rules.mayCommit(
    { ended: isEnd(row.status), cancelIntended: row.cancelIntended, parked: row.status === 'DEAD_LETTERED', reservation: held && reservation ? { id: held.nonce, generation: reservation.generation, state: reservation.state } : null, newest },
    attempt,
  );
  world.seen.add(decision.kind === 'refuse' ? `refused: ${decision.reason}` : decision.kind);
  if (decision.kind !== 'commit') return;
  const before = attemptsOn(world, row.wallet, nonce);
  if (attempt.purpose === 'PAY' && row.cancelIntended) world.faults.push(`${name} was signed after its cancellation`);
  if (attempt.purpose === 'PAY' && before.some(({ purpose }) => purpose === 'VOID')) world.faults.push(`${name} was signed after its nonce was voided`);
  const hash = world.nextHash++;
  world.attempts.push({ hash, request: name, wallet: row.wallet, nonce, ordinal: attempt.ordinal, purpose: attempt.purpose, fees: signing.fees, status: 'SIGNED' });
  nonces.signers.set(nonce, (nonces.signers.get(nonce) ?? new Set()).add(name));
  const nonceRow = nonces.rows.get(nonce);
  if (nonceRow) nonces.rows.set(nonce, { ...nonceRow, state: attempt.purpose === 'PAY' ? 'SIGNED' : 'VOIDING' });
  if (attempt.purpose === 'PAY') {
    row.hasLivePayment = true;
    moveTo(world, name, 'SIGNED');
  }
  if (attempt.ordinal > 0) world.seen.add(`replaced by ${attempt.purpose}`);
  if (world.attempts.some((other) => other.request === name && other.nonce !== nonce)) world.seen.add('second nonce');
}

function hurry(world: World, name: RequestName, wanted: 'pay' | 'replace' | 'void'): void {
  const signings = world.signings.length;
  sign(world, name, wanted, 0);
  if (world.signings.length > signings) commit(world, world.signings.at(-1));
  const sendings = world.sendings.length;
  startSending(world, name);
  if (world.sendings.length > sendings) send(world, world.sendings.at(-1), { answer: 'honest', delivered: false, known: true });
}

/** The chain makes everything final that it holds, and everything is booked. */
function finish(world: World): void {
  world.finalHeight = world.blocks.length;
  for (const name of REQUESTS) {
    const rulings = world.rulings.length;
    rule(world, name);
    if (world.rulings.length > rulings) settle(world, world.rulings.at(-1));
  }
}

function startSending(world: World, name: RequestName): void {
  const newest = live(world, name)?.attempts.at(-1);
  if (!newest) return;
  if (newest.purpose === 'PAY') moveTo(world, name, 'BROADCASTING');
  world.sendings.push(newest);
}

/** The broadcaster: the node may lie, and its answer may be lost, with or without the bytes. The policy is the real one. */
function send(world: World, sending: Attempt | undefined, dice: { answer: SendVerdictKind | 'honest'; delivered: boolean; known: boolean }): void {
  if (!sending) return;
  const unused = countAt(world, sending.wallet, world.blocks.length) <= sending.nonce;
  const wasKnown = world.pool.has(sending.hash);
  const honest: SendVerdictKind = unused ? (wasKnown ? 'already-known' : 'accepted') : 'nonce-consumed';
  const verdict = dice.answer === 'honest' ? honest : dice.answer;
  if (verdict === 'accepted' || dice.delivered) world.pool.add(sending.hash);
  const end = follow(world, sending, verdict, dice.known);
  world.seen.add(`sent: ${end.kind}`);
  if (end.kind === 'confirm' || end.kind === 'bump') sending.status = sending.status === 'SIGNED' ? 'BROADCASTED' : sending.status;
  if (end.kind === 'confirm' && sending.purpose === 'PAY') moveTo(world, sending.request, 'BROADCASTED');
  if (world.rules.afterSend(end) === 'keep-nonce') return;
  const nonces = moneyModel(world, sending.wallet);
  const row = nonces.rows.get(sending.nonce);
  if (row?.holder === sending.request) nonces.rows.set(sending.nonce, { ...row, holder: null });
}

function follow(world: World, sending: Attempt, verdict: SendVerdictKind, known: boolean): SendEnd {
  const ours = attemptsOn(world, sending.wallet, sending.nonce);
  const consumer = minedAt(world, sending.wallet, sending.nonce, world.blocks.length);
  const facts: Record<SendFact['kind'], SendFact> = {
    answer: { kind: 'answer', verdict },
    // A node that lags says no; one that says yes has it.
    hash: { kind: 'hash', known: known && (world.pool.has(sending.hash) || consumer?.hash === sending.hash) },
    nonce: { kind: 'nonce', used: consumer && known ? (ours.some(({ hash }) => hash === consumer.hash) ? 'by-us' : 'passed') : 'no' },
    holder: { kind: 'holder', holder: known && world.pool.has(sending.hash) ? 'newest' : ours.some(({ hash }) => world.pool.has(hash)) ? 'older' : 'unknown' },
    waited: { kind: 'waited' },
  };
  let { state, step } = beginSend({ sinceMs: 0, bumps: sending.ordinal });
  for (let steps = 0; steps <= STEPS_MAX; steps += 1) {
    if (step.kind === 'send') ({ state, step } = nextStep(state, facts.answer, 0));
    else if (step.kind === 'look-up-hash') ({ state, step } = nextStep(state, facts.hash, 0));
    else if (step.kind === 'look-up-nonce') ({ state, step } = nextStep(state, facts.nonce, 0));
    else if (step.kind === 'look-up-holder') ({ state, step } = nextStep(state, facts.holder, 0));
    else if (step.kind === 'wait') ({ state, step } = nextStep(state, facts.waited, 0));
    else return step;
  }
  world.faults.push('a send did not come to an end');
  return { kind: 'try-later', because: verdict };
}

/** A block with one of the bytes that were ever sent for the wallet's next nonce, whichever; or an empty one. */
export function mine(world: World, walletIndex: number, pick: number, reverts: boolean): void {
  const nonce = countAt(world, walletIndex, world.blocks.length);
  const candidates = attemptsOn(world, walletIndex, nonce).filter(({ hash }) => world.pool.has(hash));
  const chosen = candidates[pick % Math.max(1, candidates.length)];
  const reverted = reverts && chosen?.purpose === 'PAY';
  if (chosen && chosen !== candidates.at(-1)) world.seen.add('an older attempt won');
  world.blocks.push(chosen ? [{ hash: chosen.hash, wallet: walletIndex, nonce, request: chosen.request, purpose: chosen.purpose, reverted }] : []);
}

export function foreign(world: World, walletIndex: number): void {
  const nonce = countAt(world, walletIndex, world.blocks.length);
  world.blocks.push([{ hash: -world.nextHash++, wallet: walletIndex, nonce, request: null, purpose: 'VOID', reverted: false }]);
}

function observe(world: World, name: RequestName): void {
  const row = world.requests[name];
  const held = live(world, name);
  const consumer = held && minedAt(world, row.wallet, held.nonce, world.blocks.length);
  const pays = consumer && held.attempts.some(({ hash, purpose }) => hash === consumer.hash && purpose === 'PAY');
  if (pays) moveTo(world, name, 'CONFIRMING');
  else if (row.status === 'CONFIRMING' && moveTo(world, name, 'BROADCASTED')) world.seen.add('unconfirmed by reorg');
}

/** What confirmation finds out about the request's nonce: who consumed it, by proof. */
function rule(world: World, name: RequestName): void {
  const row = world.requests[name];
  const held = live(world, name);
  if (!held || held.attempts.length === 0) return;
  const consumer = minedAt(world, row.wallet, held.nonce, world.rules.rulesAt({ height: world.blocks.length, finalHeight: world.finalHeight }));
  if (!consumer) return;
  const own = held.attempts.some(({ hash }) => hash === consumer.hash);
  const kind = !own ? 'nonce-lost' : consumer.purpose === 'VOID' ? 'voided' : consumer.reverted ? 'unpaid' : 'paid';
  world.rulings.push({ kind, request: name, nonce: held.nonce, hash: consumer.hash });
}

/** Books a ruling, however old it is and however often it was booked before. */
function settle(world: World, ruling: Ruling | undefined): void {
  if (!ruling) return;
  const row = world.requests[ruling.request];
  const held = live(world, ruling.request);
  if (!held || isEnd(row.status) || !world.rules.speaksOf(ruling, held.nonce)) return;
  const nonces = moneyModel(world, row.wallet);
  const nonceRow = nonces.rows.get(held.nonce);
  if (nonceRow) nonces.rows.set(held.nonce, { ...nonceRow, state: ruling.kind === 'nonce-lost' ? 'FOREIGN' : 'CONSUMED', holder: null });
  for (const attempt of held.attempts) attempt.status = attempt.hash === ruling.hash ? (ruling.kind === 'unpaid' ? 'REVERTED' : 'CONFIRMED') : ruling.kind === 'nonce-lost' ? 'DROPPED' : 'REPLACED';
  row.hasLivePayment = false;
  world.seen.add(ruling.kind);
  switch (ruling.kind) {
    case 'nonce-lost':
      if (row.status !== 'DEAD_LETTERED') moveTo(world, ruling.request, 'SIGNING');
      return;
    case 'voided':
      moveTo(world, ruling.request, 'DEAD_LETTERED');
      return;
    case 'paid':
      endFunds(world, ruling.request, 'CONSUMED');
      return enter(world, ruling.request, 'COMPLETED');
    case 'unpaid':
      endFunds(world, ruling.request, 'RELEASED');
      return enter(world, ruling.request, 'FAILED');
    default:
      ruling.kind satisfies never;
  }
}

function enter(world: World, name: RequestName, end: EndStatus): void {
  moveTo(world, name, 'CONFIRMING');
  if (!moveTo(world, name, end)) world.faults.push(`${name} cannot enter ${end} from ${world.requests[name].status}`);
}

function freeNonce(world: World, name: RequestName): void {
  const nonce = free(moneyModel(world, world.requests[name].wallet), name, world.rules.mayFree);
  if (nonce !== null) world.seen.add('freed');
}

function park(world: World, name: RequestName): void {
  if (isEnd(world.requests[name].status)) return;
  freeNonce(world, name);
  moveTo(world, name, 'DEAD_LETTERED');
}

/** Refused while a payment may be on chain; in one transaction, so that a refusal changes nothing. */
function close(world: World, name: RequestName, end: 'FAILED' | 'CANCELLED' | 'REJECTED'): void {
  const row = world.requests[name];
  if (isEnd(row.status) || row.hasLivePayment || !world.rules.canFollow(row.status, end)) return;
  freeNonce(world, name);
  endFunds(world, name, 'RELEASED');
  moveTo(world, name, end);
}

/**
 * Everything heals: nodes are honest, the guardian fills what nobody holds, and each withdrawal does what its workflow would.
 * @returns whether all came to an end within a bounded number of rounds
 */
export function heal(world: World): boolean {
  world.market = { baseFeePerGas: 20n * GWEI, tipPerGas: 30n * GWEI };
  for (let round = 0; round < 12 * REQUESTS.length; round += 1) {
    for (const name of REQUESTS) healOne(world, name);
    for (let walletIndex = 0; walletIndex < WALLETS; walletIndex += 1) {
      for (let mined = 0; mined < WINDOW; mined += 1) mine(world, walletIndex, Number.MAX_SAFE_INTEGER - 1, false);
      guard(world, walletIndex);
    }
    finish(world);
  }
  return REQUESTS.every((name) => isEnd(world.requests[name].status));
}

function healOne(world: World, name: RequestName): void {
  const row = world.requests[name];
  if (isEnd(row.status)) return;
  // What holds bytes is ruled on first, and then closed.
  const holds = (live(world, name)?.attempts.length ?? 0) > 0;
  if (row.cancelIntended && !holds && !row.hasLivePayment) close(world, name, 'CANCELLED');
  else hurry(world, name, row.cancelIntended ? 'void' : 'pay');
}

/** Fills the wallet's next nonce where nobody holds it though it was given out: with a transaction that pays nothing. */
function guard(world: World, walletIndex: number): void {
  const nonces = moneyModel(world, walletIndex);
  const nonce = countAt(world, walletIndex, world.blocks.length);
  const row = nonces.rows.get(nonce);
  if (row && row.holder === null && attemptsOn(world, walletIndex, nonce).length === 0) foreign(world, walletIndex);
}
