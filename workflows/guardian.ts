import { condition, continueAsNew, isCancellation, log, proxyActivities, setHandler, workflowInfo } from '@temporalio/workflow';
import type { BroadcastActivities, FillerTask, InspectWalletResult, SigningActivities, WithdrawalActivities } from '../activities/index.ts';
import { NOTHING_SEEN, type GuardianMemory } from '../domain/guardian.ts';
import { lookNowSignal } from './messages.ts';
import { HEARTBEAT_TIMEOUT } from './profiles.ts';

/** Looking again is the retry: nothing here may keep the guardian from its next look. */
const ONE_LOOK = { startToCloseTimeout: '1 minute', scheduleToCloseTimeout: '2 minutes', heartbeatTimeout: HEARTBEAT_TIMEOUT, retry: { maximumAttempts: 3, initialInterval: '500 milliseconds' } } as const;

const withdrawals = proxyActivities<Pick<WithdrawalActivities, 'inspectWallet'>>(ONE_LOOK);
const signingService = proxyActivities<Pick<SigningActivities, 'signFiller'>>({ ...ONE_LOOK, taskQueue: 'signing' });
const broadcaster = proxyActivities<Pick<BroadcastActivities, 'sendFiller'>>({ ...ONE_LOOK, taskQueue: 'broadcast' });

/** A look is about ten events; a run stays far below what makes a history slow. */
const LOOKS_MAX = 200;
/** After a look that failed. */
const BLIND_MS = 5_000;

export interface GuardianInput {
  chainId: number;
  /** EIP-55 */
  walletAddress: string;
  /** from the run before this one */
  memory?: GuardianMemory;
  /** looks one run makes before it continues as new */
  looksMax?: number;
}

/**
 * Watches one hot wallet for as long as there is one: looks, fills what has to be filled, waits, looks again. What a look
 * finds and does is decided in the database under locks, so a second guardian, or one that was killed, does no harm.
 */
export async function guardian(input: GuardianInput): Promise<void> {
  let memory = input.memory ?? NOTHING_SEEN;
  let lookNow = false;
  setHandler(lookNowSignal, () => {
    lookNow = true;
  });

  for (let looks = 0; looks < (input.looksMax ?? LOOKS_MAX) && !workflowInfo().continueAsNewSuggested; looks += 1) {
    lookNow = false;
    const seen = await look(input, memory);
    memory = seen.memory;
    await Promise.all(seen.fillers.map(fill));
    await condition(() => lookNow, seen.waitMs, { summary: 'until the next look' });
  }
  await continueAsNew<typeof guardian>({ ...input, memory });
}

async function look({ chainId, walletAddress }: GuardianInput, memory: GuardianMemory): Promise<InspectWalletResult> {
  const blind = { memory, fillers: [], waitMs: BLIND_MS };
  return (await attempt('look', () => withdrawals.inspectWallet({ chainId, walletAddress, memory }))) ?? blind;
}

/** Sign, then send. Whatever does not succeed, the next look takes up where it stands. */
async function fill({ requestId, ordinal }: FillerTask): Promise<void> {
  await attempt('fill', async () => {
    if (ordinal !== null && (await signingService.signFiller({ requestId, ordinal })).kind !== 'signed') return;
    const sent = await broadcaster.sendFiller({ requestId });
    if (sent.kind === 'underpriced') await signingService.signFiller({ requestId, ordinal: sent.ordinal + 1 });
  });
}

async function attempt<T>(what: string, run: () => Promise<T>): Promise<T | null> {
  try {
    return await run();
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn(`a ${what} of the guardian did not succeed`, { error });
    return null;
  }
}
