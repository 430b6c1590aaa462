import type { Address } from '../../domain/address.ts';
import { EngineError } from '../../domain/errors.ts';
import { guardianIdOf, judge, PAUSING_KINDS, type FillerStep, type GuardedKind, type GuardianMemory, type Judgement } from '../../domain/guardian.ts';
import type { Transaction } from '../../db/client.ts';
import { listOpenAlerts, raiseAlert, resolveAlert } from '../../db/repositories/operations/alerts.ts';
import { endAttempts } from '../../db/repositories/payments/attempts.ts';
import { recordMined, recordUnmined } from '../../db/repositories/payments/chain-view.ts';
import { bookStrangers, noteFilled, takeForFiller } from '../../db/repositories/payments/fillers.ts';
import { listHalts } from '../../db/repositories/operations/halts.ts';
import { listOpenNonces, truthOf } from '../../db/repositories/payments/nonce-view.ts';
import { endNonce, lockLiveReservation } from '../../db/repositories/payments/nonces.ts';
import { claimMovement } from '../../db/repositories/wallets/treasury-movements.ts';
import { ENGINE_PAUSE, getWallet, liftPause, lockWallet, stopWallet } from '../../db/repositories/wallets/wallets.ts';
import { transact } from '../../db/transact.ts';
import type { Receipt } from '../chain/receipts.ts';
import { moneyActivity, type ActivityLog } from '../failure.ts';
import type { NonceFront } from '../nonce-front.ts';
import { observeWallet, type ObservePorts, type Observation } from './observe-wallet.ts';

export interface InspectWalletPorts extends ObservePorts {
  nonceFront: NonceFront;
  log: ActivityLog;
}

export interface InspectWalletInput {
  chainId: number;
  /** EIP-55 */
  walletAddress: string;
  memory: GuardianMemory;
}

/** What is left for the processes that sign and send. */
export interface FillerTask {
  requestId: string;
  /** the attempt to sign first; null when the newest one only has to be sent */
  ordinal: number | null;
}

export interface InspectWalletResult {
  memory: GuardianMemory;
  fillers: FillerTask[];
  /** until the next look */
  waitMs: number;
}

/**
 * One look at a hot wallet: reads the chain and the books, judges by the rules of `domain/guardian.ts`, and does the
 * database's part: fillers are taken and ended, strangers' transactions booked, alerts raised and resolved, the wallet
 * paused, released or halted, the fast front repaired. It signs and sends nothing.
 *
 * Called twice, or by two guardians: every change is made under the wallet's or the nonce's row lock and finds what the
 * other has done. Dies in the middle: the next look finds what is left. Throws transient codes while chain or database
 * are away; then nothing is concluded.
 */
export function makeInspectWallet(ports: InspectWalletPorts): (input: InspectWalletInput) => Promise<InspectWalletResult> {
  const { db, log, settings } = ports;
  const { guardian, stuckAfterBlocks } = settings.chain;
  const limits = { gasLowWei: BigInt(guardian.gasLowWei), headOfLineBlocks: guardian.headOfLineBlocks, stuckAfterBlocks };
  // An uneventful look is not worth a line.
  const quiet: ActivityLog = { info: () => undefined, warn: (...line) => log.warn(...line), error: (...line) => log.error(...line) };

  const inspect = moneyActivity('inspectWallet', quiet, async ({ chainId, walletAddress, memory }: InspectWalletInput & { requestId: string }): Promise<InspectWalletResult> => {
    const wallet = { chainId, walletAddress: walletAddress as Address };
    // Books that are behind explain nothing: every payment since would look like a stranger's.
    if ((await listHalts(db)).some(({ kind }) => kind === 'RECOVERY')) return { memory, fillers: [], waitMs: guardian.everyMs };
    const seen = await observeWallet(ports, chainId, wallet.walletAddress);
    const judgement = judge(seen.view, memory, limits);
    // A step back is a lagging node at first; seen again it is believed.
    if (judgement === null) return { memory: { ...memory, block: seen.view.block }, fillers: [], waitMs: guardian.everyMs };

    for (const halt of judgement.halts) await halted(wallet, halt);
    for (const step of judgement.fillers) await follow(wallet, step, seen);
    await resync(wallet, judgement.resync);
    const taken = await fill(wallet, judgement.fill);
    if (taken.length > 0 || judgement.repairFront) await repairFront(wallet, seen, judgement.memory.frontCounter);
    await conclude(wallet, judgement.conditions);
    return { memory: judgement.memory, fillers: [...taken, ...judgement.fillers.flatMap(taskOf)], waitMs: guardian.everyMs };
  });
  return (input) => inspect({ ...input, requestId: guardianIdOf(input.chainId, input.walletAddress) });

  async function halted(wallet: GuardedWallet, { reason, detail }: Judgement['halts'][number]): Promise<void> {
    const isNew = await transact(db, async (tx) => {
      const stopped = await stopWallet(tx, wallet.chainId, wallet.walletAddress, { status: 'HALTED', reason });
      return (await raiseAlert(tx, { kind: reason, chainId: wallet.chainId, subject: wallet.walletAddress, detail })) || stopped;
    });
    if (isNew) log.error({ wallet: wallet.walletAddress, alert: reason, ...detail }, 'a hot wallet was halted: a person has to look');
  }

  async function follow(wallet: GuardedWallet, step: FillerStep, seen: Observation): Promise<void> {
    const receipt = seen.receipts.get(step.filler.receipt?.txHash ?? '');
    if (step.kind !== 'end') {
      await transact(db, async (tx) => {
        if (receipt) await recordFiller(tx, wallet, step, receipt);
        // No receipt is shown: what a reorg took away is forgotten.
        else for (const { txHash } of step.filler.attempts) await recordUnmined(tx, wallet.chainId, txHash as `0x${string}`);
      });
      return;
    }
    const ended = await transact(db, async (tx) => {
      const reservation = await lockLiveReservation(tx, step.filler.requestId);
      if (!reservation) return false;
      await endNonce(tx, reservation.id, step.consumedBy as `0x${string}` | null);
      if (receipt) await recordFiller(tx, wallet, step, receipt);
      await endAttempts(tx, reservation.id, receipt ? { txHash: receipt.txHash, status: receipt.succeeded ? 'CONFIRMED' : 'REVERTED' } : null, receipt ? 'REPLACED' : 'DROPPED');
      await noteFilled(tx, wallet.walletAddress, { nonce: reservation.nonce, outcome: receipt ? `filled by ${receipt.txHash} for ${costOf(receipt)} wei` : "taken by a stranger's transaction" });
      return true;
    });
    if (!ended) return;
    await ports.nonceFront.release(wallet.chainId, wallet.walletAddress, step.filler.requestId, null);
    log.warn({ wallet: wallet.walletAddress, nonce: step.filler.nonce, txHash: receipt?.txHash ?? null, gasWei: receipt ? costOf(receipt) : '0' }, 'a nonce was filled');
  }

  async function resync(wallet: GuardedWallet, strangers: Judgement['resync']): Promise<void> {
    if (strangers.length === 0) return;
    await transact(db, async (tx) => {
      await bookStrangers(tx, wallet, strangers.map(({ nonce, consumer }) => ({ nonce, txHash: consumer.txHash as `0x${string}` })));
      for (const { consumer } of strangers) {
        const { movement, txHash } = consumer;
        // Reconciliation may have recognised another transfer as it since it was looked at: judged anew, nothing of this stands.
        if (movement && !(await claimMovement(tx, movement.id, { txHash, logIndex: movement.logIndex }))) throw new EngineError('SERVICE_UNAVAILABLE', { reason: 'a declared movement was recognised as another transfer' });
      }
    });
    for (const { nonce, consumer } of strangers) log.warn({ wallet: wallet.walletAddress, nonce, txHash: consumer.txHash, blockNumber: consumer.blockNumber, movesValue: consumer.movesValue, movementId: consumer.movement?.id ?? null }, 'a nonce was used by a transaction this engine never signed');
  }

  async function fill(wallet: GuardedWallet, nonces: readonly number[]): Promise<FillerTask[]> {
    const taken: FillerTask[] = [];
    for (const nonce of nonces) {
      const requestId = await takeForFiller(db, { ...wallet, nonce });
      if (requestId === null) continue;
      taken.push({ requestId, ordinal: 0 });
      log.error({ wallet: wallet.walletAddress, alert: 'NONCE_GAP', nonce, filler: requestId }, 'a gap in the nonces is filled: signed transactions wait behind it');
    }
    return taken;
  }

  /** From MySQL as it stands now; a counter that moved since it was seen is left to the request that moved it. */
  async function repairFront({ chainId, walletAddress }: GuardedWallet, seen: Observation, counter: number | null): Promise<void> {
    const truth = await transact(db, async (tx) => {
      const { nextNonce } = await lockWallet(tx, chainId, walletAddress);
      return nextNonce === null ? null : truthOf(await listOpenNonces(tx, chainId, walletAddress, seen.view.latest), nextNonce);
    });
    if (truth) await ports.nonceFront.restore(chainId, walletAddress, truth, counter ?? seen.view.frontCounter);
  }

  /** Alerts and pauses follow the conditions: raised and set while they stand, resolved and lifted once they are gone. */
  async function conclude({ chainId, walletAddress }: GuardedWallet, conditions: Judgement['conditions']): Promise<void> {
    const open = new Set((await listOpenAlerts(db, walletAddress)).map(({ kind }) => kind as string));
    const { statusReason } = await getWallet(db, chainId, walletAddress);
    for (const [kind, detail] of Object.entries(conditions) as [GuardedKind, Judgement['conditions'][GuardedKind]][]) {
      const pauses = PAUSING_KINDS.find((pausing) => pausing === kind);
      if (detail) {
        if (pauses && (await stopWallet(db, chainId, walletAddress, { status: 'PAUSED', reason: pauses }))) log.error({ wallet: walletAddress, reason: kind }, 'a hot wallet was paused');
        if (await raiseAlert(db, { kind, chainId, subject: walletAddress, detail })) log.error({ wallet: walletAddress, alert: kind, ...detail }, 'alert');
        continue;
      }
      if (pauses && statusReason === `${ENGINE_PAUSE}${kind}` && (await liftPause(db, chainId, walletAddress, pauses))) log.warn({ wallet: walletAddress, reason: kind }, 'a hot wallet goes on');
      if (open.has(kind) && (await resolveAlert(db, kind, walletAddress))) log.warn({ wallet: walletAddress, alert: kind }, 'alert resolved');
    }
  }
}

interface GuardedWallet {
  chainId: number;
  walletAddress: Address;
}

async function recordFiller(tx: Transaction, { chainId }: GuardedWallet, step: FillerStep, receipt: Receipt): Promise<void> {
  await recordMined(tx, { chainId, requestId: step.filler.requestId, ...receipt }, step.kind === 'end');
}

const costOf = (receipt: Receipt): string => (receipt.gasUsed * receipt.effectiveGasPrice).toString();

function taskOf(step: FillerStep): FillerTask[] {
  if (step.kind === 'sign') return [{ requestId: step.filler.requestId, ordinal: step.ordinal }];
  return step.kind === 'send' ? [{ requestId: step.filler.requestId, ordinal: null }] : [];
}
