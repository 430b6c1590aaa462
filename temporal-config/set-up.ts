import { setTimeout as sleep } from 'node:timers/promises';
import { connectTo, type TemporalPlace } from './connection.ts';
import { ensureNamespace, missingInTemporal } from './namespace.ts';
import { ensureSearchAttributes } from './search-attributes.ts';

/** A namespace takes some seconds to be known by every part of a server. */
const KNOWN_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 500;
const SECONDS_A_DAY = 86_400;

/** What was found, for people. */
export interface TemporalSetUp {
  /** how long closed workflows are kept, days, as the server has it now */
  readonly retentionDays: number;
}

/**
 * Makes namespace, retention and search attributes what the engine needs. A longer retention stays: to shorten it deletes histories, also of
 * others in that namespace, and is done by hand. Called twice, the second call changes nothing; killed in the
 * middle, the next one goes on. A server that lets nobody change them (Temporal Cloud) is left as it is where they are right already.
 * Throws where something is missing that cannot be made, or Temporal cannot be reached.
 */
export async function setUpTemporal(place: TemporalPlace, retentionDays: number): Promise<TemporalSetUp> {
  const { namespace, searchAttributes } = await missingInTemporal(place);
  if (namespace) await ensureNamespace(place, retentionDays);
  else if ((await readRetentionDays(place)) < retentionDays) await setRetention(place, retentionDays);
  if (namespace || searchAttributes.length > 0) await untilKnown(place);
  return { retentionDays: await readRetentionDays(place) };
}

async function untilKnown(place: TemporalPlace): Promise<void> {
  const deadline = Date.now() + KNOWN_WITHIN_MS;
  for (;;) {
    try {
      await ensureSearchAttributes(place);
      const missing = await missingInTemporal(place);
      if (!missing.namespace && missing.searchAttributes.length === 0) return;
      if (Date.now() > deadline) throw new Error(`Temporal does not know the search attributes ${missing.searchAttributes.join(', ')} after ${KNOWN_WITHIN_MS / 1_000} s.`);
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await sleep(LOOK_EVERY_MS);
  }
}

async function readRetentionDays(place: TemporalPlace): Promise<number> {
  const connection = await connectTo(place);
  try {
    const { config } = await connection.workflowService.describeNamespace({ namespace: place.namespace });
    return Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / SECONDS_A_DAY;
  } finally {
    await connection.close();
  }
}

async function setRetention(place: TemporalPlace, days: number): Promise<void> {
  const connection = await connectTo(place);
  try {
    await connection.workflowService.updateNamespace({ namespace: place.namespace, config: { workflowExecutionRetentionTtl: { seconds: (days * SECONDS_A_DAY) as never } } });
  } catch (error) {
    throw new Error(`Temporal keeps the namespace's retention as it is: set it to ${days} days where the namespace was made, or set TEMPORAL_RETENTION_DAYS to what it has.`, { cause: error });
  } finally {
    await connection.close();
  }
}
