import { SourceMap, type SourceMapPayload } from 'node:module';
import { bundleWorkflowCode, Worker } from '@temporalio/worker';
import type { FileCoverageData, Range } from 'istanbul-lib-coverage';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { createWorkflowCoverage, withCoverage } from '../harness/workflow-coverage.ts';

type Mapped = FileCoverageData & { inputSourceMap?: SourceMapPayload };

const silent = { log: () => undefined, trace: () => undefined, debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/**
 * Replays histories through workflow code that counts what it runs.
 * @returns of one source file, the lines on which a branch, or a statement inside one, was never taken
 */
export async function neverReplayed(workflowsPath: string, sourceFile: string, histories: readonly { workflowId: string; history: History }[]): Promise<string[]> {
  const coverage = createWorkflowCoverage();
  const workflowBundle = await bundleWorkflowCode(withCoverage({ workflowsPath, logger: silent }));
  for await (const { error } of Worker.runReplayHistories({ workflowBundle, sinks: coverage.sinks }, histories)) if (error) throw error;
  const [, file] = Object.entries(coverage.take()).find(([name]) => name.endsWith(sourceFile)) ?? [];
  if (file === undefined) throw new Error(`${sourceFile} was never replayed`);
  return linesNeverTaken(file);
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
