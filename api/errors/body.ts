import { ERROR_CATALOGUE } from '../../domain/errors.ts';
import type { Language } from '../messages/language.ts';
import { messagesIn } from '../messages/language.ts';
import type { ErrorBody } from '../schemas/error.ts';
import { classifyError } from './classify.ts';
import { HTTP_STATUS } from './http-status.ts';

/** The one answer to every error: its HTTP status, and a body that never holds a stack trace or an internal text. */
export function errorAnswer(thrown: unknown, language: Language, correlationId: string): { statusCode: number; body: ErrorBody } {
  const { error, details } = classifyError(thrown);
  const statusCode = HTTP_STATUS[error.code];
  return {
    statusCode,
    body: {
      error: { code: error.code, message: messagesIn(language).errors[error.code](error.parameters), retryable: ERROR_CATALOGUE[error.code].retryable },
      correlationId,
      ...(details && { details }),
    },
  };
}
