import { oneLine } from './user-error.ts';

/** What an operators' command ends with. */
export const EXIT = {
  ok: 0,
  /** a key is missing, does not open, or is not its wallet's; or the command was refused */
  failed: 1,
  /** wrong arguments or variables; nothing was tried */
  usage: 2,
  /** the secret store or the database cannot be reached; the same command may succeed later */
  unavailable: 3,
  /** what was asked for is under way and takes time: the same command says how far it is */
  unfinished: 4,
} as const;

/** A mistake in the arguments or variables, told in one line. Never quotes them: one of them may be a key. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads arguments or variables; what is thrown meanwhile is the person's mistake. */
export function orUsageError<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw new UsageError(oneLine(error), { cause: error });
  }
}
