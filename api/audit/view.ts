import type { AuditRecord } from '../../domain/audit.ts';
import type { AuditEntryView } from '../schemas/audit.ts';

/** A row of the log as an auditor sees it. */
export function auditEntryView({ record, position }: { record: AuditRecord; position: number | null }): AuditEntryView {
  const { id, at, callId, phase, actorKind, actorId, actorName, via, ip, userAgent, action, targetKind, targetId, status, errorCode, stateBefore, stateAfter, correlationId, times } = record;
  return {
    id,
    position,
    at: at.toISOString(),
    callId,
    phase,
    actor: { kind: actorKind, id: actorId, name: actorName, via },
    ip,
    userAgent,
    action,
    target: targetKind === null || targetId === null ? null : { kind: targetKind, id: targetId },
    status,
    errorCode,
    before: stateOf(stateBefore),
    after: stateOf(stateAfter),
    correlationId,
    times,
  };
}

/** A row that somebody changed by hand must not make the whole list fail. */
function stateOf(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
