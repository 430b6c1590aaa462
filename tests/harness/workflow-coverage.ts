import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { BundleOptions, InjectedSinks } from '@temporalio/worker';
import type { Sinks } from '@temporalio/workflow';
import type { FileCoverageData } from 'istanbul-lib-coverage';
import { setBack } from './workflows/set-back.ts';

/** What one file counted. */
export type Counts = Pick<FileCoverageData, 'path' | 's' | 'f' | 'b'>;

export interface CoverageSinks extends Sinks {
  /** A workflow tells with its first counts what they stand for. */
  coverage: { add(files: readonly (FileCoverageData | Counts)[]): void };
}

export interface WorkflowCoverage {
  /** for every worker that runs a bundle which counts */
  sinks: InjectedSinks<CoverageSinks>;
  /** what was counted since the last call, by file */
  take(): Record<string, FileCoverageData>;
}

const LOADER = createRequire(import.meta.url).resolve('@temporalio/nyc-test-coverage/lib/loader.js');
const INTERCEPTORS = fileURLToPath(new URL('workflows/count-coverage.ts', import.meta.url));
/** What else is in the bundle has tests outside of it. */
const WORKFLOW_FILES = fileURLToPath(new URL('../../workflows/', import.meta.url));

/** Has a bundle count what workflow code runs: inside of Temporal's sandbox, where nobody else sees it. */
export function withCoverage(options: BundleOptions): BundleOptions {
  return {
    ...options,
    workflowInterceptorModules: [...(options.workflowInterceptorModules ?? []), INTERCEPTORS],
    webpackConfigHook: (config) => ({
      ...config,
      module: { ...config.module, rules: [...(config.module?.rules ?? []), { use: { loader: LOADER }, enforce: 'post', include: WORKFLOW_FILES, test: /\.ts$/ }] },
    }),
  };
}

/** Adds up what the workflows of any number of workers count. */
export function createWorkflowCoverage(): WorkflowCoverage {
  /** kept when it is taken: a workflow that goes on says no more what its counts stand for */
  const totals: Record<string, FileCoverageData> = {};
  const add = (counts: FileCoverageData | Counts): void => {
    const total = totals[counts.path];
    if (total === undefined) {
      if (!('statementMap' in counts)) throw new Error(`${counts.path} never said what it counts`);
      totals[counts.path] = counts;
      return;
    }
    for (const [id, count] of Object.entries(counts.s)) total.s[id] = (total.s[id] ?? 0) + count;
    for (const [id, count] of Object.entries(counts.f)) total.f[id] = (total.f[id] ?? 0) + count;
    for (const [id, arms] of Object.entries(counts.b)) total.b[id] = arms.map((count, arm) => (total.b[id]?.[arm] ?? 0) + count);
  };
  return {
    // Replays count too: the first that a worker sees of a workflow may be one.
    sinks: { coverage: { add: { fn: (_info, files) => files.forEach(add), callDuringReplay: true } } },
    take() {
      const taken = structuredClone(totals);
      Object.values(totals).forEach(setBack);
      return taken;
    },
  };
}
