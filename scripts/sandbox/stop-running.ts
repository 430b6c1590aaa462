import { setTimeout as sleep } from 'node:timers/promises';
import { forgetAddresses, runningSupervisor } from '../stack/lock.ts';
import type { StatePaths } from '../stack/paths.ts';
import { isSameProcess, removePidFile, signalProcess } from '../stack/process-identity.ts';
import { stopLeftovers } from '../stack/supervisor.ts';
import { STOP_ORDER } from './run.ts';

/** Roles get 10 s and the database 30 s; the rest is slack. */
const STOP_TIMEOUT_MS = 60_000;

/**
 * Stops the sandbox of a state directory and waits until nothing of it runs, whether its supervisor lives or was
 * killed. Returns what it found.
 */
export async function stopRunning(paths: StatePaths, note: (text: string) => void): Promise<'stopped' | 'leftovers' | 'nothing'> {
  const supervisor = runningSupervisor(paths);
  if (supervisor !== undefined && signalProcess(supervisor, 'SIGTERM')) {
    const deadline = Date.now() + STOP_TIMEOUT_MS;
    while (isSameProcess(supervisor)) {
      if (Date.now() > deadline) {
        note(`the supervisor (process ${supervisor.pid}) does not answer and is killed`);
        signalProcess(supervisor, 'SIGKILL');
        break;
      }
      await sleep(100);
    }
  }
  const left = await stopLeftovers(paths, STOP_ORDER);
  removePidFile(paths.run, 'supervisor');
  forgetAddresses(paths);
  if (supervisor !== undefined) return 'stopped';
  return left.length > 0 ? 'leftovers' : 'nothing';
}
