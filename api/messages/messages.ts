import type { ErrorCode, WithdrawalErrorCode } from '../../domain/errors.ts';

/** An error's parameters; a sentence must also read well without them, as a stored error code has none. */
export type Parameters = Readonly<Record<string, string>>;

/** What an operator is told of a withdrawal that was stopped. */
export interface Advice {
  /** what it comes from */
  cause: string;
  nextStep: string;
}

/** Every sentence a person can be shown, in one language. A code without a sentence, or one that can stop a withdrawal without an advice, does not compile. */
export interface Messages {
  errors: Record<ErrorCode, (parameters: Parameters) => string>;
  advice: Record<WithdrawalErrorCode, Advice>;
  /** shown while the outcome of a withdrawal is unknown */
  outcomeUnknown: string;
}

/** The sentence for the parameter `reason`, or the general one. */
export function byReason(parameters: Parameters, sentences: Record<string, string>, general: string): string {
  const reason = parameters['reason'];
  return (reason !== undefined && Object.hasOwn(sentences, reason) ? sentences[reason] : undefined) ?? general;
}
