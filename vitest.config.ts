import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './tests/harness/sequencer.ts';

const SOURCES = ['activities', 'api', 'db', 'docker', 'domain', 'scripts', 'temporal-config', 'workers', 'workflows'];

/** A worker takes some hundred megabytes, and Redis has sixteen databases. */
const WORKERS_MAX = 12;
const workers = (perCore: number): number => Math.min(perCore * availableParallelism(), WORKERS_MAX);

/**
 * In two rounds. First what waits for blocks and timers most of its time: three files for each core keep it busy. Then whole stacks and
 * what puts an engine under load, which would starve beside so many. Each file has its own database, chain and namespace.
 */
const FIRST = { maxWorkers: workers(3), sequence: { groupOrder: 0 } };
const SECOND = { maxWorkers: workers(2), sequence: { groupOrder: 1 } };

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
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
          ...FIRST,
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
          ...FIRST,
          include: [...SOURCES.map((folder) => `${folder}/**/*.integration.test.ts`), 'tests/integration/**/*.test.ts'],
          globalSetup: ['tests/harness/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: { name: 'load', ...SECOND, include: ['tests/load/**/*.test.ts'], globalSetup: ['tests/harness/global-setup.ts'], testTimeout: 120_000, hookTimeout: 180_000 },
      },
      {
        extends: true,
        test: { name: 'e2e', ...SECOND, include: ['tests/e2e/**/*.test.ts'], testTimeout: 300_000, hookTimeout: 300_000 },
      },
    ],
  },
});
