import type { AlertKind } from './alerts.ts';
import type { WalletStatus } from './status.ts';

/**
 * What a person may do to a hot wallet, and from which statuses. None weakens a stop that is stricter, but `resume`, which is
 * a person's word that what stopped it was looked into; it also takes back a draining.
 */
export const WALLET_MOVES = {
  pause: { to: 'PAUSED', from: ['ACTIVE', 'DRAINING', 'PAUSED'] },
  /** pays what it is bound to, and takes nothing new */
  drain: { to: 'DRAINING', from: ['ACTIVE', 'DRAINING'] },
  halt: { to: 'HALTED', from: ['ACTIVE', 'DRAINING', 'PAUSED', 'HALTED'] },
  resume: { to: 'ACTIVE', from: ['PAUSED', 'HALTED', 'DRAINING', 'ACTIVE'] },
} as const satisfies Record<string, { to: WalletStatus; from: readonly WalletStatus[] }>;
export type WalletMove = keyof typeof WALLET_MOVES;

export function mayMove(move: WalletMove, status: WalletStatus): boolean {
  return (WALLET_MOVES[move].from as readonly WalletStatus[]).includes(status);
}

/** Alerts that only a person ends: taking a halted wallet back into use is saying that they were looked into. */
export const ENDED_BY_A_PERSON: readonly AlertKind[] = ['FOREIGN_OUTFLOW', 'FINALITY_UNDONE', 'STRANGER_TRANSFER', 'PAYMENT_MISSING'];
