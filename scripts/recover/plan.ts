import type { RequestRepair } from '../../db/repositories/operations/recovery.ts';
import type { Address } from '../../domain/address.ts';
import type { WithdrawalStart } from '../../domain/withdrawal-start.ts';

/** One request and what is to be done for it. */
export interface RequestItem {
  requestId: string;
  /** what is missing, for a person */
  missing: string;
  /** how it is known */
  proof: string;
  /** null when its rows are right */
  repair: RequestRepair | null;
  /** runs to stop before the rows are written: they have passed steps whose rows are lost */
  stopRunIds: readonly string[];
  /** runs to delete: nothing can be made of them, and a person has settled the request */
  deleteRunIds: readonly string[];
  /** null when its workflow runs, or need not */
  start: WithdrawalStart | null;
}

/** One wallet whose nonces do not agree with the chain. */
export interface NonceItem {
  walletAddress: Address;
  foreign: readonly number[];
  next: number;
  missing: string;
  proof: string;
}

/** What cannot be proven, and what a person must do about it. */
export interface Refusal {
  /** a requestId, a transaction's hash or a wallet: what `--leave` takes */
  subject: string;
  reason: string;
  advice: string;
  /** a wallet to halt for it */
  haltWallet: { address: Address; nonce: number; txHash: string | null } | null;
}

export interface Plan {
  /** everything at or below this block is final and was looked at */
  block: number;
  requests: RequestItem[];
  nonces: NonceItem[];
  /** wallets whose front in Redis differs from MySQL */
  fronts: { walletAddress: Address; missing: string }[];
  /** the sweeper's schedule, or search attributes, are missing in Temporal */
  temporal: string[];
  refusals: Refusal[];
  notes: string[];
  /** the highest account id that restored requests name */
  highestOwnerId: number;
}

/** True when there is nothing to do. */
export function isDone(plan: Plan): boolean {
  return plan.requests.length + plan.nonces.length + plan.fronts.length + plan.temporal.length === 0;
}

/** The plan as a person reads it, one line each. */
export function describePlan(plan: Plan): string[] {
  const rows = [
    ...plan.temporal.map((what) => ({ where: 'Temporal', what, proof: 'asked just now', action: 'register it' })),
    ...plan.requests.map((item) => ({ where: item.repair ? 'MySQL' : 'Temporal', what: `${item.requestId}: ${item.missing}`, proof: item.proof, action: actionOf(item) })),
    ...plan.nonces.map((item) => ({ where: 'MySQL', what: `${item.walletAddress}: ${item.missing}`, proof: item.proof, action: `next nonce ${item.next}` })),
    ...plan.fronts.map((item) => ({ where: 'Redis', what: `${item.walletAddress}: ${item.missing}`, proof: 'MySQL', action: 'write it anew' })),
  ];
  const lines = [`Looked at everything up to block ${plan.block}.`];
  if (rows.length === 0) lines.push('Nothing is missing.');
  else lines.push('', ...table([{ where: 'WHERE', what: 'WHAT IS MISSING', proof: 'PROOF', action: 'WHAT IS DONE' }, ...rows]));
  if (plan.refusals.length > 0) lines.push('', 'REFUSED, because it cannot be proven:', ...plan.refusals.flatMap(({ subject, reason, advice }) => [`  ${subject}: ${reason}`, `    → ${advice}`]));
  if (plan.notes.length > 0) lines.push('', ...plan.notes.map((note) => `Note: ${note}`));
  return lines;
}

function actionOf({ repair, stopRunIds, deleteRunIds, start }: RequestItem): string {
  const parts = [];
  if (stopRunIds.length > 0) parts.push('stop its run');
  if (deleteRunIds.length > 0) parts.push('delete its runs');
  if (repair?.memo) parts.push('write its rows');
  const attempts = repair?.nonces.flatMap((nonce) => nonce.attempts) ?? [];
  const shown = attempts.filter(({ rawTransaction }) => rawTransaction !== '0x').length;
  if (shown > 0) parts.push(`write ${shown} signed ${shown === 1 ? 'transaction' : 'transactions'}`);
  if (shown < attempts.length) parts.push('write the lost hash, void its nonce');
  if (repair?.nonces.some(({ ended }) => ended !== null)) parts.push('end consumed nonces');
  if (repair?.end) parts.push(`end it as ${repair.end}`);
  if (start) parts.push('start its workflow');
  return parts.join(', ') || 'set it right';
}

function table(rows: Record<'where' | 'what' | 'proof' | 'action', string>[]): string[] {
  const widths = (['where', 'what', 'proof'] as const).map((column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map(({ where, what, proof, action }) => [where, what, proof].map((text, index) => text.padEnd(widths[index] ?? 0)).join('  ') + `  ${action}`);
}
