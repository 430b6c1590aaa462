import { proxySinks, type WorkflowInterceptors } from '@temporalio/workflow';
import type { FileCoverageData } from 'istanbul-lib-coverage';
import type { CoverageSinks } from '../workflow-coverage.ts';
import { setBack } from './set-back.ts';

const { coverage } = proxySinks<CoverageSinks>();

/**
 * Hands out what instrumented workflow code has counted since the last activation. What each counter stands for goes with a workflow's
 * first ones only: it is far longer than they are.
 */
export const interceptors = (): WorkflowInterceptors => {
  let isFirst = true;
  return {
    internals: [
      {
        concludeActivation(input, next) {
          const files = Object.values((globalThis as { __coverage__?: Record<string, FileCoverageData> }).__coverage__ ?? {});
          // Copies: they are read after the counters were set back.
          coverage.add(files.map((file) => structuredCopy(isFirst ? file : { path: file.path, s: file.s, f: file.f, b: file.b })));
          files.forEach(setBack);
          isFirst = false;
          return next(input);
        },
      },
    ],
  };
};

const structuredCopy = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;
