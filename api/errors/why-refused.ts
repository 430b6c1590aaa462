import { EngineError } from '../../domain/errors.ts';
import { classifyError } from './classify.ts';

/**
 * What the log says of a refusal beside its code: stable words and our own causes, never a parameter or a validator's
 * message. Those quote what the caller sent, and that may be a secret at the wrong place.
 */
export function whyRefused(thrown: unknown): object {
  const own = thrown instanceof EngineError ? thrown : undefined;
  const reasons = own ? [own.parameters['reason']].filter((reason) => reason !== undefined) : [...new Set(classifyError(thrown).details?.map(({ reason }) => reason))];
  const error = own?.cause;
  return { ...(reasons.length > 0 && { reasons }), ...(error !== undefined && { error }) };
}
