import { appendFileSync } from 'node:fs';
import type { RecordLine } from './checker/record.ts';

type Unstamped<Line> = Line extends RecordLine ? Omit<Line, 'at'> : never;
export type NewLine = Unstamped<RecordLine>;

/** The run's append-only record. A line is in the file before `write` returns: nothing that was answered is forgotten by a crash of the run. */
export interface Journal {
  readonly file: string;
  readonly lines: readonly RecordLine[];
  write(line: NewLine): void;
}

export function openJournal(file: string): Journal {
  const lines: RecordLine[] = [];
  return {
    file,
    lines,
    write(line) {
      const stamped: RecordLine = { at: Date.now(), ...line };
      lines.push(stamped);
      appendFileSync(file, `${JSON.stringify(stamped)}\n`);
    },
  };
}
