import { fileURLToPath } from 'node:url';
import type { BundleOptions } from '@temporalio/worker';
import { FAILURE_CONVERTER_PATH } from '../temporal-config/data-converter.ts';

/** What the workflows are bundled from; beside it only where the bundler logs. */
export const WORKFLOW_BUNDLE: Pick<BundleOptions, 'workflowsPath' | 'workflowInterceptorModules' | 'failureConverterPath'> = {
  workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)),
  workflowInterceptorModules: [fileURLToPath(new URL('../workflows/summaries.ts', import.meta.url))],
  failureConverterPath: FAILURE_CONVERTER_PATH,
};
