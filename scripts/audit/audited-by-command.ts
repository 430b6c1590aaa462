import { randomBytes, randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import type { Database } from '../../db/client.ts';
import { appendAudit, type NewAuditRecord } from '../../db/repositories/audit/audit-log.ts';
import { auditState, type AuditAction, type AuditPhase } from '../../domain/audit.ts';
import { EngineError } from '../../domain/errors.ts';

/** What a command tells of itself while it works. Nothing of it may be a secret. */
export interface CommandTrail {
  target(kind: string, id: string | number): void;
  before(state: unknown): void;
  after(state: unknown): void;
}

export interface AuditedCommand {
  /** as it is typed, e.g. `wallets pause` */
  command: string;
  action: AuditAction;
  target?: { kind: string; id: string };
}

const NAME_CHARACTERS_MAX = 320;

/**
 * Runs what a command changes between two rows of the audit log: `BEGUN` is committed first, so that nothing is changed without
 * it, `ENDED` holds the exit code. Dies in the middle: `BEGUN` stands alone. Throws what `work` throws, after noting it, and
 * what the database throws where a row cannot be written.
 * @returns the exit code `work` resolved to
 */
export async function auditedByCommand(db: Database, { command, action, target }: AuditedCommand, work: (trail: CommandTrail) => Promise<number>): Promise<number> {
  const call = { callId: randomBytes(16).toString('hex'), correlationId: randomUUID() };
  let told: { target?: { kind: string; id: string } | undefined; before?: unknown; after?: unknown } = { target };
  const row = (phase: AuditPhase, status: number | null, errorCode: string | null): NewAuditRecord => ({
    ...call, at: new Date(), phase, actorKind: 'command', actorId: null, actorName: operatingSystemUser(), via: command.slice(0, 64), ip: null, userAgent: null, action,
    targetKind: told.target?.kind ?? null, targetId: told.target?.id.slice(0, 128) ?? null, status, errorCode, stateBefore: auditState(told.before), stateAfter: auditState(told.after), times: 1,
  });
  await appendAudit(db, row('BEGUN', null, null));
  try {
    const exitCode = await work({
      target: (kind, id) => void (told = { ...told, target: { kind, id: String(id) } }),
      before: (state) => void (told = { ...told, before: state }),
      after: (state) => void (told = { ...told, after: state }),
    });
    await appendAudit(db, row('ENDED', exitCode, null));
    return exitCode;
  } catch (error) {
    // The first failure is the one to be told: what cannot be written down now is no news beside it.
    await appendAudit(db, row('ENDED', null, error instanceof EngineError ? error.code : 'INTERNAL')).catch(() => undefined);
    throw error;
  }
}

/** In a container the number may have no name. */
function operatingSystemUser(): string {
  try {
    return userInfo().username.slice(0, NAME_CHARACTERS_MAX);
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
