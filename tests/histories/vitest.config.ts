import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** For `npm run histories` only: recording is no test, and `npm test` does not do it. */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: { include: ['tests/histories/record.test.ts'], globalSetup: ['tests/harness/global-setup.ts'], hookTimeout: 180_000, maxConcurrency: 1 },
});
