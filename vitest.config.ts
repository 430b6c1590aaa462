import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { Mixed } from './tests/harness/sequencer.ts';

const SOURCES = ['activities', 'api', 'db', 'docker', 'domain', 'scripts', 'temporal-config', 'workers', 'workflows'];

/** Files wait for blocks, timers and processes half of the time: five for two cores keep them busy, with six those under load starve. Each has its own database, chain and namespace. */
const WORKERS_PER_CORE = 2.5;
/** A worker takes some hundred megabytes, and Redis has sixteen databases. */
const WORKERS_MAX = 12;

export default defineConfig({
  test: {
    maxWorkers: Math.min(Math.floor(WORKERS_PER_CORE * availableParallelism()), WORKERS_MAX),
    sequence: { sequencer: Mixed },
    setupFiles: ['tests/harness/own-ports.ts'],
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
        test: {
          name: 'unit',
          include: [...SOURCES.map((folder) => `${folder}/**/*.test.ts`), 'tests/faults/**/*.test.ts'],
          exclude: ['**/*.integration.test.ts', 'node_modules/**'],
          // They start nothing and change nothing that outlives them: loading the same modules for each would take longer than they do.
          isolate: false,
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: [...SOURCES.map((folder) => `${folder}/**/*.integration.test.ts`), 'tests/integration/**/*.test.ts'],
          globalSetup: ['tests/harness/global-setup.ts'],
          // Loading the same modules for each would take as long as half of them do. What a file starts it also ends.
          isolate: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: { name: 'e2e', include: ['tests/e2e/**/*.test.ts'], testTimeout: 300_000, hookTimeout: 300_000 },
      },
    ],
  },
});
