import type { SendVerdictKind } from './send-errors.ts';

/**
 * What to do after signed bytes were handed to a node: a pure state machine, fed with answers and facts, that says the next
 * step as data. It knows no chain, no database and no clock but the one it is told.
 *
 * There is no step that takes another nonce, and none that calls a payment failed: the worst it can say is that the bytes
 * were refused, and what follows from that is decided elsewhere, on chain. Every run ends after at most `STEPS_MAX` steps.
 */
export type SendStep =
  /** hand the bytes to the chain */
  | { kind: 'send' }
  /** does the chain or a pool know our hash? */
  | { kind: 'look-up-hash' }
  /** which transaction used the nonce up: one of our attempts, or none of them? */
  | { kind: 'look-up-nonce' }
  /** whose transaction holds the nonce in the pool? */
  | { kind: 'look-up-holder' }
  | { kind: 'wait'; ms: number }
  | SendEnd;

export type SendEnd =
  /** the bytes are out, or the nonce is decided on chain: confirmation tells which, by block hash */
  | { kind: 'confirm' }
  /** sign a replacement at a higher fee, same nonce, same payment */
  | { kind: 'bump' }
  /** the outcome is open and nothing more is to be learned now: hand over the same bytes again later */
  | { kind: 'try-later'; because: SendVerdictKind }
  /** a lower nonce has been missing for too long: the wallet's guardian fills it; meanwhile as `try-later` */
  | { kind: 'call-guardian' }
  /** the wallet cannot pay for gas: the nonce is kept, the wallet paused, a person alerted; meanwhile as `try-later` */
  | { kind: 'pause-wallet' }
  /** the node refuses these bytes, and nobody knows their hash */
  | { kind: 'refused'; because: 'reverts' | 'rejected' };

export type SendFact =
  | { kind: 'answer'; verdict: SendVerdictKind }
  | { kind: 'hash'; known: boolean }
  /** `passed`: the chain has counted the nonce, by a transaction that is not visibly ours */
  | { kind: 'nonce'; used: 'by-us' | 'passed' | 'no' }
  /** `newest`: the very bytes that were sent; `older`: an earlier attempt of ours; `stranger`: neither */
  | { kind: 'holder'; holder: 'newest' | 'older' | 'stranger' | 'unknown' }
  | { kind: 'waited' };

export interface SendState {
  awaiting: SendFact['kind'] | null;
  /** the last answer to a send */
  verdict: SendVerdictKind;
  sends: number;
  lookUps: number;
  /** since when these bytes are being handed over without success, over all runs, ms */
  sinceMs: number;
  /** replacements signed before these bytes: each one waits longer than the one before */
  bumps: number;
}

/** Within one run. A longer wait is `try-later`: a run does not sit on its worker. */
export const SENDS_MAX = 3;
/** Questions asked after one answer. */
export const LOOK_UPS_MAX = 2;
/** More steps than any run can take: each send may be looked up and waited for, and one end follows. */
export const STEPS_MAX = SENDS_MAX * 2 + LOOK_UPS_MAX * 2 + 1;
/** A missing lower nonce that does not come within this time is a gap, not a signer that is still at work. */
export const NONCE_GAP_MS_MAX = 30_000;
const WAIT_MS_MIN = 250;
/** Between one replacement and the next, at most. */
export const BUMP_WAIT_MS_MAX = 15_000;

/** The first step of a run. `sinceMs` is when these bytes were first handed over, `bumps` how many attempts came before them. */
export function beginSend(run: { sinceMs: number; bumps: number }): { state: SendState; step: SendStep } {
  return send({ awaiting: null, verdict: 'unknown', sends: 0, lookUps: 0, ...run });
}

/** The step after a fact. Total: a fact that was not asked for ends the run as `try-later`, which is always safe. */
export function nextStep(state: SendState, fact: SendFact, nowMs: number): { state: SendState; step: SendStep } {
  if (fact.kind !== state.awaiting) return end(state, { kind: 'try-later', because: 'unknown' });
  switch (fact.kind) {
    case 'answer':
      return afterAnswer({ ...state, verdict: fact.verdict, lookUps: 0 }, nowMs);
    case 'hash':
      return afterHash(state, fact.known);
    case 'nonce':
      return afterNonce(state, fact.used);
    case 'holder':
      return fact.holder === 'newest' ? end(state, { kind: 'confirm' }) : bump(state);
    case 'waited':
      return afterWait(state);
    default:
      return fact satisfies never;
  }
}

function afterAnswer(state: SendState, nowMs: number): { state: SendState; step: SendStep } {
  switch (state.verdict) {
    case 'accepted':
      return end(state, { kind: 'confirm' });
    case 'already-known':
    case 'unknown':
    // A refusal may be the answer to bytes that an earlier, unanswered send has put out.
    case 'reverts':
    case 'rejected':
      return lookUp(state, 'hash');
    case 'nonce-consumed':
      return lookUp(state, 'nonce');
    case 'underpriced-replacement':
      return lookUp(state, 'holder');
    case 'underpriced':
      return bump(state);
    case 'nonce-gap':
      return nowMs - state.sinceMs >= NONCE_GAP_MS_MAX ? end(state, { kind: 'call-guardian' }) : waitToSendAgain(state);
    case 'insufficient-funds':
      return end(state, { kind: 'pause-wallet' });
    case 'busy':
      return waitToSendAgain(state);
    default:
      return state.verdict satisfies never;
  }
}

function afterHash(state: SendState, known: boolean): { state: SendState; step: SendStep } {
  if (known) return end(state, { kind: 'confirm' });
  if (state.verdict === 'reverts' || state.verdict === 'rejected') return end(state, { kind: 'refused', because: state.verdict });
  return waitToAskAgain(state);
}

/** Who used a nonce up finally, and whether a new one may be taken, only confirmation rules, by proof. */
function afterNonce(state: SendState, used: 'by-us' | 'passed' | 'no'): { state: SendState; step: SendStep } {
  return used === 'no' ? waitToAskAgain(state) : end(state, { kind: 'confirm' });
}

function afterWait(state: SendState): { state: SendState; step: SendStep } {
  switch (state.verdict) {
    case 'unknown':
    case 'already-known':
      return lookUp(state, 'hash');
    case 'nonce-consumed':
      return lookUp(state, 'nonce');
    case 'underpriced':
    case 'underpriced-replacement':
      return end(state, { kind: 'bump' });
    default:
      return send(state);
  }
}

/** The first replacement goes out at once; each further one waits longer, so that no price is driven up in seconds. */
function bump(state: SendState): { state: SendState; step: SendStep } {
  if (state.bumps === 0) return end(state, { kind: 'bump' });
  return wait(state, Math.min(2 * WAIT_MS_MIN * 2 ** Math.min(state.bumps, 10), BUMP_WAIT_MS_MAX));
}

function send(state: SendState): { state: SendState; step: SendStep } {
  return { state: { ...state, awaiting: 'answer', sends: state.sends + 1 }, step: { kind: 'send' } };
}

function waitToSendAgain(state: SendState): { state: SendState; step: SendStep } {
  return state.sends >= SENDS_MAX ? end(state, { kind: 'try-later', because: state.verdict }) : wait(state, WAIT_MS_MIN * 2 ** state.sends);
}

function lookUp(state: SendState, what: 'hash' | 'nonce' | 'holder'): { state: SendState; step: SendStep } {
  return { state: { ...state, awaiting: what, lookUps: state.lookUps + 1 }, step: { kind: `look-up-${what}` } };
}

function waitToAskAgain(state: SendState): { state: SendState; step: SendStep } {
  return state.lookUps >= LOOK_UPS_MAX ? end(state, { kind: 'try-later', because: state.verdict }) : wait(state, WAIT_MS_MIN * 2 ** state.lookUps);
}

function wait(state: SendState, ms: number): { state: SendState; step: SendStep } {
  return { state: { ...state, awaiting: 'waited' }, step: { kind: 'wait', ms } };
}

function end(state: SendState, step: SendEnd): { state: SendState; step: SendStep } {
  return { state: { ...state, awaiting: null }, step };
}
