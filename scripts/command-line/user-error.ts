export interface UserErrorOptions {
  /** The log file to look at, shown with its last lines. */
  readonly logFile?: string;
  readonly cause?: unknown;
}

/**
 * A failure told to the person who started the sandbox: `message` is one line saying what is wrong and what to do
 * next. Anything else that reaches the top is a defect of ours, and its stack goes to the log only.
 */
export class UserError extends Error {
  readonly logFile: string | undefined;

  constructor(message: string, options: UserErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UserError';
    this.logFile = options.logFile;
  }
}

/** Reads variables; what is thrown meanwhile is told to the person who set them. */
export function orUserError<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw new UserError(oneLine(error), { cause: error });
  }
}

/** One line for a person, whatever was thrown. */
export function oneLine(error: unknown): string {
  // Several failures at one address (IPv4 and IPv6) come as one error without a message.
  const told = error instanceof AggregateError && error.message === '' ? (error.errors[0] as unknown) : error;
  const text = told instanceof Error ? told.message || told.name : String(told);
  return text.split('\n', 1)[0] ?? text;
}

/** One line with what lies at the bottom of it: what wraps an error often says only what was tried. */
export function deepestLine(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? deepestLine(error.cause) : oneLine(error);
}
