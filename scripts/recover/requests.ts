import { getFunds } from '../../db/repositories/payments/funds.ts';
import { getStarts } from '../../db/repositories/withdrawals/starts.ts';
import { listSignedNonces, requestOfKey } from '../../db/repositories/operations/recovery.ts';
import { getWithdrawal, type WithdrawalRow } from '../../db/repositories/withdrawals/withdrawals.ts';
import type { Address } from '../../domain/address.ts';
import { isEnd, type EndStatus } from '../../domain/status.ts';
import { parseMemo, type WithdrawalMemo, type WithdrawalStart } from '../../domain/withdrawal-start.ts';
import type { WithdrawalExecution } from '../../temporal-config/withdrawal-executions.ts';
import type { RecoverDeps } from './deps.ts';
import { readHistory, type WithdrawalHistory } from './histories.ts';
import { gatherEvidence, Refused, type NonceEvidence, type NonceGroup, type Payment } from './nonce-evidence.ts';
import type { RequestItem } from './plan.ts';

/** A request that has not ended here, or is not here at all, with its workflow's runs. */
export interface OpenRequest {
  requestId: string;
  hasRow: boolean;
  runs: readonly WithdrawalExecution[];
}

export interface RequestContext {
  deps: RecoverDeps;
  /** final, like everything below it */
  block: number;
  /** transactions the chain counts of a wallet at `block`; null for an address that is no wallet of ours */
  countedOf: (wallet: Address) => number | null;
}

/**
 * What one request lacks, and what is done for it; null when it lacks nothing. Reads only. Throws `Refused` for what is
 * not proven.
 */
export async function planRequest(context: RequestContext, request: OpenRequest): Promise<RequestItem | null> {
  const { deps } = context;
  const { requestId, runs } = request;
  const history = await readHistory(deps.client, requestId, runs);
  const row = request.hasRow ? await getWithdrawal(deps.db, requestId) : null;
  if (row && isEnd(row.status)) return null;
  const memo = row ? null : await trustedMemo(context, requestId, runs);
  const payment = row ? paymentOf(row) : paymentOfMemo(requestId, memo);
  const evidence = await evidenceOf(context, payment, history, row);

  const last = evidence.at(-1);
  const end = endOf(requestId, history.result, last);
  const live = last && isOpen(last, end) ? last : undefined;
  for (const earlier of evidence) if (earlier !== live) assertUnpaid(requestId, earlier);
  const lacking = evidence.filter((item) => item.restored.attempts.length > 0 || item !== live);
  // After signing a wish to cancel counts only where it had been granted: where the nonce was being voided.
  const cancelAsked = history.cancelAsked && !row?.cancelIntentAt && (live === undefined || live.restored.attempts.some(({ purpose }) => purpose === 'VOID'));
  const needsRepair = memo !== null || lacking.length > 0 || end !== null || cancelAsked;
  const repair = needsRepair
    ? {
        requestId,
        chainId: deps.rpc.chainId,
        memo,
        nonces: evidence.map((item) => ({ ...item.restored, ended: item === live || item.ruling.kind !== 'unpaid' ? null : { consumedBy: item.ruling.consumedBy, reverted: item.ruling.reverted } })),
        tokenAddress: payment.tokenAddress,
        amount: payment.amount,
        end,
        spentGasWei: evidence.reduce((sum, { ruling }) => sum + (ruling.kind === 'unpaid' ? ruling.costWei : 0n), 0n),
        cancelAsked,
        leavesKey: false,
      }
    : null;

  const running = runs.filter((run) => run.running);
  // A run that holds funds the database does not know of would fail at its next step; it begins again instead.
  const isPastFunds = running.some(({ runId }) => history.heldFunds.has(runId)) && live === undefined && (await getFunds(deps.db, requestId)) === null;
  const stops = row === null || isPastFunds ? running : [];
  const start = end === null && running.length === stops.length ? await startFor(deps, requestId, memo) : null;
  if (!repair && !start && stops.length === 0) return null;
  return {
    requestId,
    missing: missingOf(row, lacking, start !== null, end),
    proof: [memo ? 'its workflow carries the sealed request' : null, ...lacking.map(({ proof }) => proof), !repair ? 'accepted here and not ended; no workflow runs' : null].filter((part) => part !== null).join('; '),
    repair,
    stopRunIds: stops.map(({ runId }) => runId),
    deleteRunIds: [],
    start,
  };
}

/**
 * What is done for a request that a person has settled by hand: it ends without being paid by us, whatever its workflow
 * thinks. Where not even a row can be written, its runs are deleted, or they would be found missing for ever.
 */
export async function planLeft({ deps }: RequestContext, { requestId, hasRow, runs }: OpenRequest): Promise<RequestItem> {
  const row = hasRow ? await getWithdrawal(deps.db, requestId) : null;
  const memo = row ? null : (runs.map((run) => parseMemo(run.memo)).find((found) => found !== null) ?? null);
  const running = runs.filter((run) => run.running).map(({ runId }) => runId);
  const said = { requestId, missing: 'left to a person', proof: 'your word', start: null };
  if (!row && !memo) return { ...said, repair: null, stopRunIds: [], deleteRunIds: runs.map(({ runId }) => runId) };
  const { tokenAddress, amount } = row ? paymentOf(row) : paymentOfMemo(requestId, memo);
  return { ...said, repair: { requestId, chainId: deps.rpc.chainId, memo, nonces: [], tokenAddress, amount, end: 'FAILED', spentGasWei: 0n, cancelAsked: false, leavesKey: true }, stopRunIds: running, deleteRunIds: [] };
}

async function trustedMemo({ deps }: RequestContext, requestId: string, runs: readonly WithdrawalExecution[]): Promise<WithdrawalMemo> {
  const memo = runs.map((run) => parseMemo(run.memo)).find((found) => found !== null);
  const byHand = `settle it by hand and run again with --leave ${requestId}`;
  if (!memo) throw refused(requestId, 'its workflow does not carry the request', byHand);
  if (memo.sealed.chainId !== deps.rpc.chainId) throw refused(requestId, `it is of chain ${memo.sealed.chainId}`, 'use the settings of that chain');
  const made = await requestOfKey(deps.db, memo.ownerId, memo.idempotencyKeyHash);
  if (made !== null && made !== requestId) throw refused(requestId, `its idempotency key has made ${made} since: one of the two must not be paid`, `cancel ${made} if ${requestId} was paid, then ${byHand}`);
  return memo;
}

const refused = (subject: string, reason: string, advice: string) => new Refused({ subject, reason, advice, haltWallet: null });

function paymentOf({ requestId, tokenAddress, toAddress, amount }: WithdrawalRow): Payment {
  return { requestId, tokenAddress: tokenAddress as Address | null, toAddress: toAddress as Address, amount };
}

function paymentOfMemo(requestId: string, memo: WithdrawalMemo | null): Payment {
  if (!memo) throw new Error('neither a row nor a memo');
  const { tokenAddress, toAddress, amount } = memo.sealed;
  return { requestId, tokenAddress: tokenAddress as Address | null, toAddress: toAddress as Address, amount: BigInt(amount) };
}

/** One piece of evidence a nonce, in the order the nonces were taken: those of the database first, then what only Temporal knows. */
async function evidenceOf({ deps, block, countedOf }: RequestContext, payment: Payment, history: WithdrawalHistory, row: WithdrawalRow | null): Promise<NonceEvidence[]> {
  const signed = row ? await listSignedNonces(deps.db, payment.requestId) : [];
  const known = new Set(signed.flatMap(({ attempts }) => attempts.map(({ txHash }) => txHash as string)));
  const missing = history.signed.filter(({ txHash }) => !known.has(txHash));
  const fallback = (row?.walletAddress ?? history.walletAddress) as Address | null;
  const groups = new Map<number, NonceGroup>();
  const booked = new Set(signed.filter(({ reservation }) => reservation.state === 'CONSUMED').map(({ reservation }) => reservation.nonce));
  // Booked as a stranger's: by a database that had forgotten its own replacement, perhaps. The chain is asked again.
  const strangers = new Set(signed.filter(({ reservation }) => reservation.state === 'FOREIGN').map(({ reservation }) => reservation.nonce));
  for (const { reservation, attempts } of signed) {
    if (!booked.has(reservation.nonce)) groups.set(reservation.nonce, { walletAddress: reservation.walletAddress as Address, nonce: reservation.nonce, known: attempts, missing: [] });
  }
  for (const { txHash, nonce } of missing) {
    // What one of ours has finally consumed stays as it is.
    if (booked.has(nonce)) continue;
    const group = groups.get(nonce) ?? { walletAddress: fallback, nonce, known: [], missing: [] };
    groups.set(nonce, { ...group, missing: [...group.missing, txHash] });
  }
  const evidence: NonceEvidence[] = [];
  for (const group of groups.values()) {
    const found = await gatherEvidence(deps, payment, group, block, countedOf);
    const wasRight = strangers.has(group.nonce) && found.ruling.kind === 'unpaid' && found.ruling.consumedBy === null;
    if (!wasRight) evidence.push(found);
  }
  return evidence;
}

/** The end to write directly: the workflow had reached it, and nothing on chain is open or was paid. */
function endOf(requestId: string, result: EndStatus | null, last: NonceEvidence | undefined): EndStatus | null {
  if (result === null) return null;
  if (result !== 'COMPLETED') return last === undefined || last.ruling.kind === 'unpaid' ? result : null;
  if (last === undefined || last.ruling.kind === 'unpaid') throw refused(requestId, 'its workflow says that it was paid, and no transaction that pays it is known', `find out how it was paid, write it down by hand and run again with --leave ${requestId}`);
  return null;
}

/** True when the nonce goes on, or its workflow books what became of it. */
function isOpen(item: NonceEvidence, end: EndStatus | null): boolean {
  return end === null && (item.ruling.kind !== 'unpaid' || item.ruling.consumedBy !== null);
}

function assertUnpaid(requestId: string, { ruling, restored }: NonceEvidence): void {
  if (ruling.kind === 'unpaid') return;
  throw refused(requestId, `nonce ${restored.nonce} of ${restored.walletAddress} was not ended without paying, and a later one was signed or an end reached`, `compare both with the chain, settle by hand and run again with --leave ${requestId}`);
}

async function startFor(deps: RecoverDeps, requestId: string, memo: WithdrawalMemo | null): Promise<WithdrawalStart | null> {
  if (memo) return { requestId, correlationId: memo.sealed.correlationId, currency: memo.sealed.currency, ...memo };
  const [start] = await getStarts(deps.db, [requestId]);
  return start ?? null;
}

function missingOf(row: WithdrawalRow | null, lacking: readonly NonceEvidence[], starts: boolean, end: EndStatus | null): string {
  const parts = [];
  if (!row) parts.push('no row');
  const attempts = lacking.reduce((sum, { restored }) => sum + restored.attempts.length, 0);
  if (attempts > 0) parts.push(`${attempts} signed ${attempts === 1 ? 'transaction' : 'transactions'} not known`);
  if (row && end) parts.push(`${row.status} here, ${end} in Temporal`);
  if (row && parts.length === 0 && starts) parts.push(`${row.status}, no workflow`);
  return parts.join(', ') || 'its nonces';
}
