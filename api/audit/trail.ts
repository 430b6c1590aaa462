import { createHash, randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { NewAuditRecord } from '../../db/repositories/audit/audit-log.ts';
import { auditState, type AuditAction, type AuditPhase } from '../../domain/audit.ts';

/** What a handler tells of its call. What it does not say is left out of the log; who, from where and how it ended are written without it. */
export interface AuditTrail {
  /** what is changed, where the path does not name it; the kind is the action's first word unless given */
  target(id: string | number, kind?: string): void;
  /** what stood before the change; small, and never a secret */
  before(state: unknown): void;
  /** what stands after it */
  after(state: unknown): void;
  /**
   * In a route that anyone may call: from here on it is known who calls, and the handler may change something. Commits the
   * row that says so, and throws `SERVICE_UNAVAILABLE` where that is not possible. Called twice: one row. The id is null for an
   * account that is only now made.
   */
  by(account: { id: number | null; email: string }): Promise<void>;
  /** the row of a change that writes it in its own transaction, for routes with `auditInTransaction` */
  record: (outcome: { status: number; target: string; after: unknown }) => NewAuditRecord;
}

/** The trail of one call, as the plugin keeps it. */
export interface KeptTrail extends AuditTrail {
  /** `BEGUN` is committed */
  begun: boolean;
  row(phase: AuditPhase, outcome?: { status: number; errorCode: string | null; times?: number }): NewAuditRecord;
}

const USER_AGENT_CHARACTERS_MAX = 160;
const NAME_CHARACTERS_MAX = 320;
const TARGET_CHARACTERS_MAX = 128;

/** @param begin commits the row that says the call has begun */
export function createTrail(request: FastifyRequest, action: AuditAction, begin: (trail: KeptTrail) => Promise<void>): KeptTrail {
  const callId = randomBytes(16).toString('hex');
  let told: { kind?: string | undefined; id?: string; before?: unknown; after?: unknown } = {};
  let signedIn: { id: number | null; email: string } | null = null;
  const trail: KeptTrail = {
    begun: false,
    target(id, kind) {
      told = { ...told, id: String(id), kind };
    },
    before(state) {
      told = { ...told, before: state };
    },
    after(state) {
      told = { ...told, after: state };
    },
    async by(account) {
      signedIn = { id: account.id, email: account.email };
      if (!trail.begun) await begin(trail);
    },
    record: ({ status, target, after }) => {
      trail.target(target);
      trail.after(after);
      return trail.row('DONE', { status, errorCode: null });
    },
    row(phase, outcome) {
      const id = told.id ?? namedInPath(request);
      return {
        at: new Date(),
        callId,
        phase,
        ...actorOf(request, signedIn),
        ip: request.ip,
        userAgent: request.headers['user-agent']?.slice(0, USER_AGENT_CHARACTERS_MAX) ?? null,
        action,
        targetKind: id === null ? null : (told.kind ?? action.split('.')[0] ?? null),
        targetId: id?.slice(0, TARGET_CHARACTERS_MAX) ?? null,
        status: outcome?.status ?? null,
        errorCode: outcome?.errorCode ?? null,
        stateBefore: auditState(told.before),
        stateAfter: auditState(told.after),
        correlationId: request.id,
        times: outcome?.times ?? 1,
      };
    },
  };
  return trail;
}

/** The last parameter of the path: what the call is about. */
function namedInPath(request: FastifyRequest): string | null {
  const named = Object.values((request.params ?? {}) as Record<string, unknown>).at(-1);
  return typeof named === 'string' && named !== '' ? named : null;
}

function actorOf(request: FastifyRequest, signedIn: { id: number | null; email: string } | null): Pick<NewAuditRecord, 'actorKind' | 'actorId' | 'actorName' | 'via'> {
  const { account } = request;
  if (account) {
    const { via } = account;
    const name = { actorId: account.id, actorName: account.email.slice(0, NAME_CHARACTERS_MAX) };
    return via.kind === 'key' ? { actorKind: 'key', ...name, via: `key ${via.keyId}` } : { actorKind: 'account', ...name, via: 'session' };
  }
  if (signedIn) return { actorKind: 'account', actorId: signedIn.id, actorName: signedIn.email.slice(0, NAME_CHARACTERS_MAX), via: null };
  return { actorKind: 'anonymous', actorId: null, actorName: triedAddress(request.body), via: null };
}

/** Only its hash: people type passwords into the wrong field. */
function triedAddress(body: unknown): string | null {
  if (typeof body !== 'object' || body === null || !('email' in body) || typeof body.email !== 'string') return null;
  return createHash('sha256').update(body.email.trim().toLowerCase()).digest('hex');
}
