import { Type, type Static } from 'typebox';
import { ERROR_CATALOGUE, ERROR_CODES, type ErrorCode } from '../../domain/errors.ts';
import { messagesIn } from '../messages/language.ts';

export const ErrorBodySchema = Type.Object(
  {
    error: Type.Object({
      code: Type.Enum([...ERROR_CODES], { type: 'string', description: 'Never changes; decide by it, not by the message.' }),
      message: Type.String({ description: 'For people: Korean, or English where Accept-Language prefers it.' }),
      retryable: Type.Boolean({ description: 'Whether the same request may succeed later. Retry a POST with the same Idempotency-Key.' }),
    }),
    correlationId: Type.String(),
    details: Type.Optional(Type.Array(Type.Object({ field: Type.String(), reason: Type.String() }), { description: 'What to correct, where it is a field.' })),
  },
  { $id: 'Error' },
);
export type ErrorBody = Static<typeof ErrorBodySchema>;

const STATUSES: Record<number, { description: string; code: ErrorCode }> = {
  400: { description: 'The request is not valid.', code: 'VALIDATION_FAILED' },
  401: { description: 'Not signed in.', code: 'UNAUTHENTICATED' },
  403: { description: 'Not allowed.', code: 'FORBIDDEN' },
  404: { description: 'There is no such thing, or it belongs to someone else.', code: 'NOT_FOUND' },
  408: { description: 'The request did not arrive whole in time.', code: 'REQUEST_TIMEOUT' },
  409: { description: 'Not possible in the present state.', code: 'INVALID_STATE' },
  413: { description: 'The body is too large.', code: 'PAYLOAD_TOO_LARGE' },
  414: { description: 'The path and query are too long.', code: 'URI_TOO_LONG' },
  415: { description: 'The body is not JSON.', code: 'UNSUPPORTED_MEDIA_TYPE' },
  422: { description: 'A limit refuses it.', code: 'LIMIT_EXCEEDED' },
  429: { description: 'Too many requests; see Retry-After.', code: 'RATE_LIMITED' },
  500: { description: 'Something went wrong here.', code: 'INTERNAL' },
  503: { description: 'Not available at the moment.', code: 'SERVICE_UNAVAILABLE' },
};

/** Documented answers for what a route refuses by itself. What follows from its method and access rule is added in the document: see `impliedErrors`. */
export function errorResponses(...statuses: (keyof typeof STATUSES)[]): Record<number, object> {
  return Object.fromEntries(statuses.map((status) => [status, documentedError(STATUSES[status] ?? { description: 'Refused.', code: 'INTERNAL' })]));
}

function documentedError({ description, code }: { description: string; code: ErrorCode }): object {
  const error = { code, message: messagesIn('ko').errors[code]({}), retryable: ERROR_CATALOGUE[code].retryable };
  const example = { error, correlationId: '0f8fad5b-d9cb-469f-a165-70867728950e' };
  return { description, content: { 'application/json': { schema: Type.Ref('Error'), example } } };
}
