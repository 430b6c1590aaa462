import { isDatabaseUnavailable } from '../../db/connection-lost.ts';
import { EngineError } from '../../domain/errors.ts';

/** One field that a caller has to correct. `field` is the path in the request, `reason` a stable word for what is wrong. */
export interface ErrorDetail {
  field: string;
  reason: string;
}

export interface ClassifiedError {
  error: EngineError;
  details?: ErrorDetail[];
}

/** Which field of the request an engine error speaks of, where it speaks of one. */
const FIELD_OF: Partial<Record<string, string>> = {
  INVALID_ADDRESS: 'toAddress',
  INVALID_AMOUNT: 'amount',
  LIMIT_EXCEEDED: 'amount',
  ADDRESS_NOT_ALLOWED: 'toAddress',
  UNSUPPORTED_CURRENCY: 'currency',
  UNSUPPORTED_NETWORK: 'network',
  IDEMPOTENCY_KEY_REQUIRED: 'Idempotency-Key',
  INVALID_STATE: 'status',
};

interface FrameworkError extends Error {
  statusCode?: number;
  code?: string;
  validation?: readonly ValidationProblem[];
  validationContext?: string;
}

interface ValidationProblem {
  keyword: string;
  instancePath: string;
  params: Record<string, unknown>;
}

const VALIDATION_DETAILS_MAX = 20;

/** Makes any thrown value one error of the catalogue. What nobody foresaw is `INTERNAL`, with the cause kept for the log. */
export function classifyError(thrown: unknown): ClassifiedError {
  if (thrown instanceof EngineError) {
    const field = thrown.parameters['field'] ?? FIELD_OF[thrown.code];
    return field === undefined ? { error: thrown } : { error: thrown, details: [{ field, reason: thrown.parameters['reason'] ?? REASON_OF[thrown.code] ?? 'refused' }] };
  }
  if (!(thrown instanceof Error)) return { error: new EngineError('INTERNAL', {}, { cause: thrown }) };
  const error: FrameworkError = thrown;
  if (error.validation) return { error: new EngineError('VALIDATION_FAILED', {}, { cause: error }), details: validationDetails(error.validation, error.validationContext) };
  if (isDatabaseUnavailable(error)) return { error: new EngineError('SERVICE_UNAVAILABLE', {}, { cause: error }) };
  switch (error.statusCode) {
    case 413:
      return { error: new EngineError('PAYLOAD_TOO_LARGE', {}, { cause: error }) };
    case 415:
      return { error: new EngineError('UNSUPPORTED_MEDIA_TYPE', {}, { cause: error }) };
    case 404:
      return { error: new EngineError('NOT_FOUND', {}, { cause: error }) };
    case 503:
      return { error: new EngineError('SERVICE_UNAVAILABLE', {}, { cause: error }) };
    default:
      break;
  }
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    const body = error.code?.startsWith('FST_ERR_CTP_') === true || error instanceof SyntaxError;
    return { error: new EngineError('VALIDATION_FAILED', {}, { cause: error }), details: [{ field: body ? 'body' : 'request', reason: body ? 'malformed-json' : 'malformed' }] };
  }
  return { error: new EngineError('INTERNAL', {}, { cause: error }) };
}

const REASON_OF: Partial<Record<string, string>> = {
  LIMIT_EXCEEDED: 'above-maximum',
  UNSUPPORTED_CURRENCY: 'unsupported',
  UNSUPPORTED_NETWORK: 'unsupported',
  IDEMPOTENCY_KEY_REQUIRED: 'required',
};

/** One reason a field: the first the validator found. */
function validationDetails(problems: readonly ValidationProblem[], context: string | undefined): ErrorDetail[] {
  const reasons = new Map<string, string>();
  // `boolean` only repeats `additionalProperties`: the validator's way of saying that nothing is allowed there.
  for (const problem of problems.filter(({ keyword }) => keyword !== 'boolean')) {
    const path = problem.instancePath.split('/').slice(1);
    const named = namesIn(problem);
    const fields = named.length === 0 ? [path] : named.map((name) => [...path, name]);
    for (const segments of fields) {
      const field = segments.join('.') || (context ?? 'request');
      if (!reasons.has(field)) reasons.set(field, problem.keyword);
    }
  }
  return [...reasons].slice(0, VALIDATION_DETAILS_MAX).map(([field, reason]) => ({ field, reason }));
}

/** The properties that a missing or an unknown one is about: they stand beside the path, not in it. */
function namesIn({ params }: ValidationProblem): string[] {
  const names = params['requiredProperties'] ?? params['additionalProperties'] ?? params['missingProperty'] ?? params['additionalProperty'];
  return [names].flat().filter((name): name is string => typeof name === 'string');
}
