import { setTimeout as sleep } from 'node:timers/promises';
import { readFinalizedNumber, readHeader, readTransactionCount } from '../../activities/chain/blocks.ts';
import { highestUserId, listOpenRequests, statusesOf } from '../../db/repositories/operations/recovery.ts';
import { listWallets, type WalletRow } from '../../db/repositories/wallets/wallets.ts';
import { EngineError } from '../../domain/errors.ts';
import type { Address } from '../../domain/address.ts';
import { isEnd } from '../../domain/status.ts';
import { missingInTemporal } from '../../temporal-config/namespace.ts';
import { listWithdrawalExecutions, type WithdrawalExecution } from '../../temporal-config/withdrawal-executions.ts';
import type { RecoverDeps, RecoverOptions } from './deps.ts';
import { Refused } from './nonce-evidence.ts';
import { frontDifference, planNonces } from './nonces.ts';
import type { Plan } from './plan.ts';
import { planLeft, planRequest, type OpenRequest, type RequestContext } from './requests.ts';

const BATCH = 500;
const POLL_MS = 500;

/**
 * Looks at all four stores and makes the plan: what is missing where, how that is known, what is done about it, and what is
 * refused. Changes nothing. Throws when MySQL, Temporal or the chain cannot be asked: without one of them nothing is
 * proven. Redis being away is only noted.
 */
export async function survey(deps: RecoverDeps, options: Pick<RecoverOptions, 'leave'>): Promise<Plan> {
  const block = await finalHead(deps);
  const wallets = await listWallets(deps.db, deps.rpc.chainId);
  const counted = new Map<string, number>();
  for (const { address } of wallets) counted.set(address.toLowerCase(), await readTransactionCount(deps.rpc, address, block));
  const lacking = await missingInTemporal(deps.temporal);
  const temporal = [...(lacking.namespace ? [`the namespace ${deps.temporal.namespace}`] : []), ...lacking.searchAttributes.map((name) => `the search attribute ${name}`)];
  const context: RequestContext = { deps, block, countedOf: (wallet) => counted.get(wallet.toLowerCase()) ?? null };

  const plan: Plan = { block, requests: [], nonces: [], fronts: [], temporal, refusals: [], notes: [], highestOwnerId: 0 };
  for (const request of await listOpen(deps, lacking.namespace)) await addRequest(context, plan, request, options.leave);
  await addOwners(deps, plan);
  const repairs = plan.requests.flatMap(({ repair }) => (repair ? [repair] : []));
  for (const wallet of wallets) {
    const { item, refusals } = await planNonces(deps, wallet, repairs, { block, counted: counted.get(wallet.address.toLowerCase()) ?? 0 }, options.leave);
    if (item) plan.nonces.push(item);
    // A refused request names its own transaction already.
    plan.refusals.push(...refusals.filter(({ subject }) => !plan.refusals.some((other) => other.subject === subject)));
  }
  await addFronts(deps, plan, wallets);
  for (const { address, status, statusReason } of wallets) if (status === 'HALTED') plan.notes.push(`wallet ${address} is HALTED (${statusReason ?? 'no reason given'}): a recovery resumes no wallet, a person does.`);
  return plan;
}

/** The present head, once it is final: what was mined when the survey began is then proven. */
async function finalHead({ rpc, settings, finalityWaitMs }: RecoverDeps): Promise<number> {
  const head = await readHeader(rpc, 'latest');
  if (!head) throw new EngineError('CHAIN_UNAVAILABLE', { reason: 'no latest block' });
  const deadline = Date.now() + finalityWaitMs;
  for (;;) {
    const latest = await readHeader(rpc, 'latest');
    const final = latest && (await readFinalizedNumber(rpc, settings.chain, latest.number));
    if (final !== null && final >= head.number) return head.number;
    if (Date.now() > deadline) throw new EngineError('CHAIN_UNAVAILABLE', { reason: `block ${head.number} did not become final within ${finalityWaitMs} ms` });
    await sleep(POLL_MS);
  }
}

/** Every request that has not ended here, and every workflow's whose row is missing, with the runs of its workflow. */
async function listOpen({ db, client }: RecoverDeps, isNamespaceMissing: boolean): Promise<OpenRequest[]> {
  const open = new Map<string, { hasRow: boolean; runs: WithdrawalExecution[] }>();
  for (const requestId of await listOpenRequests(db)) open.set(requestId, { hasRow: true, runs: [] });
  const place = async (batch: readonly WithdrawalExecution[]): Promise<void> => {
    const statuses = await statusesOf(db, batch.map(({ requestId }) => requestId));
    for (const run of batch) {
      const status = statuses.get(run.requestId);
      if (status !== undefined && isEnd(status)) continue;
      const entry = open.get(run.requestId) ?? { hasRow: status !== undefined, runs: [] };
      entry.runs.push(run);
      open.set(run.requestId, entry);
    }
  };
  let batch: WithdrawalExecution[] = [];
  if (!isNamespaceMissing) {
    for await (const run of listWithdrawalExecutions(client)) {
      batch.push(run);
      if (batch.length < BATCH) continue;
      await place(batch);
      batch = [];
    }
  }
  await place(batch);
  return [...open].map(([requestId, entry]) => ({ requestId, ...entry })).toSorted((left, right) => left.requestId.localeCompare(right.requestId));
}

async function addRequest(context: RequestContext, plan: Plan, request: OpenRequest, leave: ReadonlySet<string>): Promise<void> {
  try {
    const item = leave.has(request.requestId) ? await planLeft(context, request) : await planRequest(context, request);
    if (item) plan.requests.push(item);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    plan.refusals.push(error.refusal);
  }
}

async function addOwners({ db }: RecoverDeps, plan: Plan): Promise<void> {
  const owners = new Set(plan.requests.flatMap(({ repair }) => (repair?.memo ? [repair.memo.ownerId] : [])));
  const highest = await highestUserId(db);
  const unknown = [...owners].filter((owner) => owner > highest);
  plan.highestOwnerId = Math.max(0, ...unknown);
  if (unknown.length > 0) plan.notes.push(`withdrawals of accounts ${unknown.join(', ')} are restored, the accounts themselves are lost: their ids are given to nobody else; make them anew by hand.`);
}

async function addFronts(deps: RecoverDeps, plan: Plan, wallets: readonly WalletRow[]): Promise<void> {
  for (const wallet of wallets) {
    try {
      const missing = await frontDifference(deps, wallet);
      if (missing !== null) plan.fronts.push({ walletAddress: wallet.address as Address, missing: `nonce front ${missing}` });
    } catch (error) {
      plan.notes.push(`Redis cannot be asked (${error instanceof Error ? error.message : String(error)}): the engine works without it and repairs it by itself.`);
      return;
    }
  }
}
