import type { AuditAction } from '../domain/audit.ts';
import type { Scope } from '../domain/scopes.ts';
import { ROLES, type Role } from '../domain/status.ts';

/** Who may call a route and under which conditions: a route says it in its `config`, and nowhere else. */
export interface Access {
  /** `anyone` asks for no session; otherwise 401 without one and 403 without one of these roles */
  who: 'anyone' | readonly Role[];
  /** what an API key must be allowed to do; a route without it takes no keys */
  scope?: Scope;
  /** where the settings ask for it: only in a session whose second factor was shown */
  secondFactor?: true;
  /** also for an account whose password someone else has set: without it 403 until it was changed */
  initialPassword?: true;
  /** beside what everyone is held to: `guesses` is counted for each address of the caller, far more tightly; `none` is for probes */
  limit?: 'guesses' | 'none';
  /** what is written into the audit log; `null` for a call that changes nothing, and absent only for reading methods */
  audit?: AuditAction | null;
  /** the handler writes its row in the transaction of the change: one row, and no round trip more */
  auditInTransaction?: true;
}

/** Whoever asks for withdrawals. */
export const CLIENTS: readonly Role[] = ['USER', 'ADMIN'];
export const ANY_ROLE: readonly Role[] = ROLES;
/** Whoever may look at everything. */
export const READERS: readonly Role[] = ['ADMIN', 'APPROVER', 'AUDITOR'];
/** Whoever decides on other people's withdrawals. */
export const DECIDERS: readonly Role[] = ['ADMIN', 'APPROVER'];
export const ADMINS: readonly Role[] = ['ADMIN'];

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
}
