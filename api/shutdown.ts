import type { Logger } from '../db/observability/logger.ts';
import { bounded } from './ready/bounded.ts';

/** Together under the ten seconds that a supervisor or container runtime usually grants. */
const STEP_TIMEOUT_MS: Record<string, number> = { http: 6_000 };
const STEP_TIMEOUT_MS_DEFAULT = 1_000;

/** What is closed, in this order. */
export type ClosingStep = readonly [name: string, close: () => Promise<unknown>];

/**
 * Closes the process in order on SIGTERM or SIGINT, each step for a bounded time, then ends it: 0 when all closed, 1
 * otherwise. A second signal changes nothing: a terminal sends its own beside the supervisor's.
 */
export function closeOnSignal(logger: Logger, steps: readonly ClosingStep[]): void {
  let closing = false;
  const close = async (signal: NodeJS.Signals): Promise<void> => {
    if (closing) return;
    closing = true;
    logger.info({ signal }, 'closing');
    let clean = true;
    for (const [name, step] of steps) {
      try {
        await bounded(STEP_TIMEOUT_MS[name] ?? STEP_TIMEOUT_MS_DEFAULT, step());
      } catch (error) {
        clean = false;
        logger.error({ error, step: name }, 'closing failed');
      }
    }
    logger.info({ clean }, 'closed');
    process.exit(clean ? 0 : 1);
  };
  process.on('SIGTERM', (signal) => void close(signal));
  process.on('SIGINT', (signal) => void close(signal));
}
