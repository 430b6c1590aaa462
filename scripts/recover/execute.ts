import { raiseAlert } from '../../db/repositories/operations/alerts.ts';
import { Contradiction, readNonceTruth, reserveUserIds, restoreNonces, restoreRequest } from '../../db/repositories/operations/recovery.ts';
import { getWallet, stopWallet } from '../../db/repositories/wallets/wallets.ts';
import { workflowIdOf } from '../../domain/request-id.ts';
import { createNonceFront } from '../../activities/nonce-front.ts';
import { ensureNamespace } from '../../temporal-config/namespace.ts';
import { ensureSearchAttributes } from '../../temporal-config/search-attributes.ts';
import { startWithdrawal } from '../../temporal-config/start-withdrawal.ts';
import { ensureSweepSchedule } from '../../temporal-config/sweep-schedule.ts';
import type { RecoverDeps } from './deps.ts';
import type { Plan, Refusal, RequestItem } from './plan.ts';

const REGISTER_TRIES = 60;
const REGISTER_PAUSE_MS = 500;
const GRPC_NOT_FOUND = 5;

/**
 * Carries the plan out. Every step looks first at what is there, so a recovery that was killed anywhere is simply run
 * again. The order matters: wallets are halted before anything else, rows come before the workflows that read them, and
 * no workflow is started before all rows are right.
 * @returns what turned out to be contradicted while it was written
 */
export async function execute(deps: RecoverDeps, plan: Plan): Promise<Refusal[]> {
  const refusals: Refusal[] = [];
  for (const refusal of plan.refusals) await haltFor(deps, refusal);
  if (plan.temporal.length > 0) await registerTemporal(deps);
  if (plan.highestOwnerId > 0) await reserveUserIds(deps.db, plan.highestOwnerId);
  const restored: RequestItem[] = [];
  for (const item of plan.requests) {
    const refusal = await restore(deps, item);
    if (refusal) refusals.push(refusal);
    else restored.push(item);
  }
  for (const { walletAddress, foreign, next } of plan.nonces) await restoreNonces(deps.db, { chainId: deps.rpc.chainId, walletAddress, foreign, next });
  deps.onStep('nonces-restored');
  for (const { walletAddress } of plan.fronts) await restoreFront(deps, walletAddress);
  deps.onStep('redis-restored');
  await ensureSweepSchedule(deps.client);
  for (const { start } of restored) {
    if (!start) continue;
    await startWithdrawal(deps.client, start, { evenIfCompleted: true });
    deps.onStep('workflow-started');
  }
  return refusals;
}

async function haltFor({ db, rpc, log }: RecoverDeps, { haltWallet, reason }: Refusal): Promise<void> {
  if (!haltWallet) return;
  const { address, nonce, txHash } = haltWallet;
  await stopWallet(db, rpc.chainId, address, { status: 'HALTED', reason: 'FOREIGN_OUTFLOW' });
  if (await raiseAlert(db, { kind: 'FOREIGN_OUTFLOW', chainId: rpc.chainId, subject: address, detail: { nonce, txHash } })) {
    log.error({ wallet: address, nonce, txHash, reason }, 'value left a hot wallet and nothing explains it: the wallet is halted');
  }
}

async function registerTemporal({ temporal }: RecoverDeps): Promise<void> {
  await ensureNamespace(temporal);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await ensureSearchAttributes(temporal);
      return;
    } catch (error) {
      // A new namespace takes a moment to be known to every part of the server.
      if (attempt >= REGISTER_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, REGISTER_PAUSE_MS));
    }
  }
}

async function restore(deps: RecoverDeps, item: RequestItem): Promise<Refusal | null> {
  const { requestId } = item;
  for (const runId of item.stopRunIds) {
    await terminate(deps, requestId, runId);
    deps.onStep('workflow-stopped');
  }
  for (const runId of item.deleteRunIds) await deleteRun(deps, requestId, runId);
  if (!item.repair) return null;
  try {
    await restoreRequest(deps.db, item.repair);
  } catch (error) {
    if (!(error instanceof Contradiction)) throw error;
    return { subject: requestId, reason: error.message, advice: `compare both with the chain, settle by hand and run again with --leave ${requestId}`, haltWallet: null };
  }
  deps.onStep('request-restored');
  return null;
}

/** Its rows are lost, so it would fail at its next step; what it knew was read from its history. */
async function terminate({ client }: RecoverDeps, requestId: string, runId: string): Promise<void> {
  const handle = client.workflow.getHandle(workflowIdOf(requestId), runId);
  try {
    await handle.terminate('recovery: its rows are written anew, and it begins again');
  } catch (error) {
    // Closed meanwhile, by itself or by an earlier recovery.
    if ((await handle.describe()).status.name === 'RUNNING') throw error;
  }
}

async function deleteRun({ client, temporal }: RecoverDeps, requestId: string, runId: string): Promise<void> {
  try {
    await client.workflowService.deleteWorkflowExecution({ namespace: temporal.namespace, workflowExecution: { workflowId: workflowIdOf(requestId), runId } });
  } catch (error) {
    // Deleted before; the list that named it lags.
    if (!(error instanceof Error && 'code' in error && error.code === GRPC_NOT_FOUND)) throw error;
  }
}

async function restoreFront({ db, redis, rpc }: RecoverDeps, walletAddress: string): Promise<void> {
  const wallet = await getWallet(db, rpc.chainId, walletAddress);
  const truth = await readNonceTruth(db, wallet);
  if (!truth) return;
  const seen = await redis.get(`nonce:{${rpc.chainId}:${walletAddress}}:next`);
  const front = createNonceFront(redis, (error) => {
    throw error;
  });
  await front.restore(rpc.chainId, walletAddress, truth, seen === null ? null : Number(seen));
}
