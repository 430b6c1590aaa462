import { setTimeout as sleep } from 'node:timers/promises';
import { readAddresses, type SandboxAddresses } from '../stack/lock.ts';
import type { StatePaths } from '../stack/paths.ts';
import { isSameProcess, type ProcessIdentity } from '../stack/process-identity.ts';
import { UserError } from '../command-line/user-error.ts';
import { askReady } from './ready.ts';

/** A first start may have to build Temporal. */
const TIMEOUT_MS = 20 * 60_000;

/** Waits until the sandbox that `supervisor` runs is ready. Throws UserError when it ends or never gets there. */
export async function waitForRunning(paths: StatePaths, supervisor: ProcessIdentity): Promise<SandboxAddresses> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const addresses = readAddresses(paths);
    if (addresses !== undefined && typeof (await askReady(addresses.baseUrl)) === 'string') return addresses;
    if (!isSameProcess(supervisor)) throw new UserError(`The sandbox ended before it was ready; see ${paths.logs}/supervisor.log, then start again.`);
    if (Date.now() > deadline) throw new UserError(`The running sandbox (process ${supervisor.pid}) does not get ready; see ${paths.logs}, or "npm stop" and start again.`);
    await sleep(250);
  }
}
