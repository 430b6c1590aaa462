import { SourceMap, type SourceMapPayload } from 'node:module';
import { WorkflowCoverage } from '@temporalio/nyc-test-coverage';
import { bundleWorkflowCode, Worker, type InjectedSinks, type WorkflowBundle } from '@temporalio/worker';
import { createCoverageMap, type CoverageMapData, type FileCoverageData, type Range } from 'istanbul-lib-coverage';
import type { History } from '@temporalio/common/lib/proto-utils.js';

type Mapped = FileCoverageData & { inputSourceMap?: SourceMapPayload };
type Counter = InjectedSinks<{ coverage: { merge(data: object): void } }>;

const silent = { log: () => undefined, trace: () => undefined, debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/**
 * Replays histories through workflow code that counts what it runs.
 * @returns of one source file, the lines on which a branch, or a statement inside one, was never taken
 */
export async function neverReplayed(workflowsPath: string, sourceFile: string, histories: readonly { workflowId: string; history: History }[]): Promise<string[]> {
  const store = globalThis as { __coverage__?: CoverageMapData };
  const before = store.__coverage__;
  store.__coverage__ = {};
  try {
    const coverage = new WorkflowCoverage();
    const workflowBundle = await bundleWorkflowCode(coverage.augmentBundleOptions({ workflowsPath, logger: silent }));
    const options = coverage.augmentWorkerOptionsWithBundle({ workflowBundle } as Parameters<typeof coverage.augmentWorkerOptionsWithBundle>[0]);
    // Everything here is replay; by default nothing is counted there.
    (options.sinks as Counter).coverage.merge.callDuringReplay = true;
    for await (const { error } of Worker.runReplayHistories({ workflowBundle: options.workflowBundle as WorkflowBundle, ...(options.sinks && { sinks: options.sinks }) }, histories)) if (error) throw error;
    coverage.mergeIntoGlobalCoverage();
    const map = createCoverageMap(store.__coverage__);
    const file = map.files().find((name) => name.endsWith(sourceFile));
    if (file === undefined) throw new Error(`${sourceFile} was never replayed`);
    return linesNeverTaken(map.fileCoverageFor(file).toJSON() as Mapped);
  } finally {
    if (before) store.__coverage__ = before;
    else delete store.__coverage__;
  }
}

function linesNeverTaken({ s, b, statementMap, branchMap, inputSourceMap }: Mapped): string[] {
  if (!inputSourceMap) throw new Error('no source map');
  const map = new SourceMap(inputSourceMap);
  const source = inputSourceMap.sourcesContent[0]?.split('\n') ?? [];
  const lineOf = ({ start }: Range): string | null => {
    const entry = map.findEntry(start.line - 1, start.column);
    return 'originalLine' in entry ? (source[entry.originalLine]?.trim() ?? null) : null;
  };
  const statements = Object.entries(s).filter(([, count]) => count === 0).map(([id]) => statementMap[id]);
  const arms = Object.entries(b).flatMap(([id, counts]) => counts.flatMap((count, arm) => (count === 0 ? [branchMap[id]?.locations[arm] ?? branchMap[id]?.loc] : [])));
  // The compiler's own helpers have no line in the source.
  return [...new Set([...statements, ...arms].flatMap((range) => (range ? (lineOf(range) ?? []) : [])))];
}
