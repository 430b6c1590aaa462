import { EngineError } from '../domain/errors.ts';

/** A moment with its offset, as RFC 3339 writes it: without one nobody knows which hour is meant. */
const TIME_PATTERN = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i;

/** Reads a time of a query. Throws `VALIDATION_FAILED` naming the field for anything that is no moment. */
function timeIn(field: string, text: string): Date {
  const time = new Date(text);
  if (!TIME_PATTERN.test(text) || Number.isNaN(time.getTime())) throw new EngineError('VALIDATION_FAILED', { field, reason: 'format' });
  return time;
}

export function optionalTime(field: string, text: string | undefined): Date | undefined {
  return text === undefined ? undefined : timeIn(field, text);
}
