import { EngineError } from '../../domain/errors.ts';

type Change<Row> = { kind: 'done'; row: Row } | { kind: 'not-found' } | { kind: 'refused'; reason: string; status?: string };

/** The row as a person's change left it. Throws `NOT_FOUND`, or `INVALID_STATE` with why nothing changed. */
export function rowOf<Row>(change: Change<Row>): Row {
  switch (change.kind) {
    case 'done':
      return change.row;
    case 'not-found':
      throw new EngineError('NOT_FOUND');
    case 'refused':
      throw new EngineError('INVALID_STATE', { reason: change.reason, ...(change.status !== undefined && { status: change.status }) });
    default:
      return change satisfies never;
  }
}
