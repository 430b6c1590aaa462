import { EngineError } from '../../domain/errors.ts';

/** Each stream asks the database twice a second. */
const STREAMS_MAX = 200;
/** So that no account takes the places of all others. */
const STREAMS_OF_ONE_MAX = 20;
const RETRY_AFTER_SECONDS = 10;

/** Takes a place for a stream of an account, and returns how to give it back, to be called once. Throws `RATE_LIMITED` or `SERVICE_UNAVAILABLE` where there is none. */
export type StreamPlaces = (accountId: number) => () => void;

export function createStreamPlaces(limits: { all: number; ofOne: number } = { all: STREAMS_MAX, ofOne: STREAMS_OF_ONE_MAX }): StreamPlaces {
  const taken = new Map<number, number>();
  let all = 0;
  return (accountId) => {
    const own = taken.get(accountId) ?? 0;
    if (own >= limits.ofOne) throw new EngineError('RATE_LIMITED', { retryAfterSeconds: String(RETRY_AFTER_SECONDS) });
    if (all >= limits.all) throw new EngineError('SERVICE_UNAVAILABLE', { reason: 'streams' });
    taken.set(accountId, own + 1);
    all += 1;
    return () => {
      const left = (taken.get(accountId) ?? 1) - 1;
      if (left === 0) taken.delete(accountId);
      else taken.set(accountId, left);
      all -= 1;
    };
  };
}
