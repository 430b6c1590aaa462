import { defineConfig } from 'vitest/config';

const SOURCES = ['activities', 'api', 'db', 'docker', 'domain', 'scripts', 'temporal-config', 'workers', 'workflows'];

/** Files wait for blocks most of the time: three beside each other keep two cores busy. Each has its own database, chain and namespace. */
const INTEGRATION_WORKERS = 3;
const integration = { globalSetup: ['tests/harness/global-setup.ts'], maxWorkers: INTEGRATION_WORKERS, testTimeout: 120_000, hookTimeout: 180_000, sequence: { groupOrder: 1 } };

export default defineConfig({
  test: {
    coverage: {
      provider: 'istanbul',
      include: SOURCES.map((folder) => `${folder}/**/*.ts`),
      exclude: [
        '**/*.test.ts',
        '**/*.testkit.ts',
        '**/testkit/**',
        // Entry points: each only wires or parses, and is run as a process by the end-to-end tests.
        'api/server.ts',
        'workers/*-worker.ts',
        'workers/signing-service.ts',
        'workers/tx-*.ts',
        'scripts/*.ts',
        'scripts/sandbox/provision-main.ts',
        'scripts/sandbox/provision-once.ts',
        'docker/{health-check,install-moto,run-part,secret-files}.ts',
      ],
      reporter: ['text-summary', 'text', 'json-summary'],
      thresholds: { lines: 80, statements: 80, functions: 80, branches: 70 },
    },
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: [...SOURCES.map((folder) => `${folder}/**/*.test.ts`), 'tests/faults/**/*.test.ts'], exclude: ['**/*.integration.test.ts', 'node_modules/**'], testTimeout: 20_000 },
      },
      {
        extends: true,
        test: { name: 'integration', include: [...SOURCES.map((folder) => `${folder}/**/*.integration.test.ts`), 'tests/integration/**/*.test.ts'], ...integration },
      },
      {
        extends: true,
        test: { name: 'e2e', include: ['tests/e2e/**/*.test.ts'], fileParallelism: false, testTimeout: 300_000, hookTimeout: 300_000, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
