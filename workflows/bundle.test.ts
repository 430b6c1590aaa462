import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { expect, it } from 'vitest';

/** The bundle without anything of ours that does not belong is 1.6 MB; ethers alone would add 3.7. */
const BUNDLE_BYTES_MAX = 2_000_000;

it('bundles workflows and the pure rules they use, and nothing else', { timeout: 60_000 }, async () => {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('./index.ts', import.meta.url)),
    logger: { log: () => undefined, trace: () => undefined, debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  expect(code.length).toBeLessThan(BUNDLE_BYTES_MAX);
  const ours = new Set([...code.matchAll(/!\*\*\* \.\/((?:activities|api|db|domain|temporal-config|workers)\/[^ ]+)/g)].map(([, file]) => file));
  expect([...ours].filter((file) => !file?.startsWith('domain/'))).toEqual([]);
  expect(ours.size).toBeGreaterThan(0);
});
