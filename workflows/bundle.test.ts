import { bundleWorkflowCode } from '@temporalio/worker';
import { expect, it } from 'vitest';
import { WORKFLOW_BUNDLE } from '../workers/workflow-bundle.ts';

/** The bundle without anything of ours that does not belong is 1.6 MB; ethers alone would add 3.7. */
const BUNDLE_BYTES_MAX = 2_000_000;

it('bundles workflows, the pure rules they use and how failures are written, and nothing else', { timeout: 60_000 }, async () => {
  const { code } = await bundleWorkflowCode({
    ...WORKFLOW_BUNDLE,
    logger: { log: () => undefined, trace: () => undefined, debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  expect(code.length).toBeLessThan(BUNDLE_BYTES_MAX);
  const ours = new Set([...code.matchAll(/!\*\*\* \.\/((?:activities|api|db|domain|temporal-config|workers)\/[^ ]+)/g)].map(([, file]) => file));
  expect([...ours].filter((file) => !file?.startsWith('domain/'))).toEqual(['temporal-config/failure-converter.ts']);
  expect(ours.size).toBeGreaterThan(0);
});
