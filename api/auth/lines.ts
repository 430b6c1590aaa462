import { EngineError } from '../../domain/errors.ts';

/** Runs work of one key one after the other, in the order it came; of different keys side by side. */
export type InLine = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/** @param waitingMax how much may wait for its turn, over all keys: over it `SERVICE_UNAVAILABLE` */
export function createLines(waitingMax: number): InLine {
  const tails = new Map<string, Promise<unknown>>();
  let waiting = 0;
  return async (key, work) => {
    const before = tails.get(key);
    if (before && waiting >= waitingMax) throw new EngineError('SERVICE_UNAVAILABLE', { reason: 'sign-ins', retryAfterSeconds: '5' });
    if (before) waiting += 1;
    const turn = before
      ? before.then(() => {
          waiting -= 1;
          return work();
        })
      : work();
    const tail = turn.then(
      () => undefined,
      () => undefined,
    );
    tails.set(key, tail);
    try {
      return await turn;
    } finally {
      if (tails.get(key) === tail) tails.delete(key);
    }
  };
}
