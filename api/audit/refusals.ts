import type { NewAuditRecord } from '../../db/repositories/audit/audit-log.ts';

export interface Refusals {
  /** counts a call that changed nothing; the first of its kind is written at once, those that follow within the window as one row at its end */
  count(record: NewAuditRecord): void;
  /** writes what was counted so far and waits for every write */
  flush(): Promise<void>;
  /** the same, and counts no more on its own */
  close(): Promise<void>;
}

const WINDOW_MS = 60_000;
/** Kinds told apart in one window. What comes beyond is counted by action and code alone, so that no flood fills the table. */
const KINDS_MAX = 200;

interface Counted {
  record: NewAuditRecord;
  /** since the row of the first */
  more: number;
}

/**
 * Keeps refused calls bounded in the log: at most two rows a window for each kind, which is actor, action and code. A refusal
 * changed nothing, so none of this holds up an answer; what was counted and not written is lost with the process.
 */
export function createRefusals(options: { write: (record: NewAuditRecord) => Promise<void>; onFailure: (error: unknown) => void; windowMs?: number; kindsMax?: number }): Refusals {
  const { kindsMax = KINDS_MAX } = options;
  let counted = new Map<string, Counted>();
  const writing = new Set<Promise<void>>();

  const write = (record: NewAuditRecord): void => {
    const done = options.write(record).catch(options.onFailure).finally(() => writing.delete(done));
    writing.add(done);
  };
  const flush = async (): Promise<void> => {
    const ended = counted;
    counted = new Map();
    for (const { record, more } of ended.values()) if (more > 0) write({ ...record, at: new Date(), times: more });
    await Promise.all(writing);
  };
  const timer = setInterval(() => void flush(), options.windowMs ?? WINDOW_MS);
  timer.unref();

  return {
    count(record) {
      const kind = kindOf(record);
      const known = counted.get(kind);
      if (known) {
        known.more += 1;
        return;
      }
      if (counted.size < kindsMax) {
        counted.set(kind, { record, more: 0 });
        write(record);
        return;
      }
      const anybody = withoutActor(record);
      const crowd = counted.get(kindOf(anybody));
      if (crowd) crowd.more += 1;
      else counted.set(kindOf(anybody), { record: anybody, more: 1 });
    },
    flush,
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}

function kindOf({ actorKind, actorId, actorName, via, ip, action, errorCode }: NewAuditRecord): string {
  return JSON.stringify([actorKind, actorId, actorName, via, actorKind === 'anonymous' ? ip : null, action, errorCode]);
}

function withoutActor(record: NewAuditRecord): NewAuditRecord {
  return { ...record, actorKind: 'anonymous', actorId: null, actorName: null, via: null, ip: null, userAgent: null, targetKind: null, targetId: null };
}
