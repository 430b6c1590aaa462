import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProvidedContext } from 'vitest';
import type { TestProject } from 'vitest/node';
import { freePorts, startInfrastructure, type InfrastructureUrls } from '../../scripts/stack/infrastructure.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** where what all test files can use is kept for this run */
    sharedDir: string;
    infrastructure: Required<Pick<InfrastructureUrls, 'databaseUrl' | 'redisUrl' | 'temporalAddress' | 'awsEndpointUrl'>>;
  }
}

/** Of this run: each project that needs it loads this file anew. */
const run = globalThis as { sharedInfrastructure?: { users: number; started: Promise<Shared> } };

/** One real database, Redis, Temporal server and secret store for the tests of all projects that name this file, on ports of their own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const shared = (run.sharedInfrastructure ??= { users: 0, started: start() });
  shared.users += 1;
  const { provided, stop } = await shared.started;
  project.provide('sharedDir', provided.sharedDir);
  project.provide('infrastructure', provided.infrastructure);
  return async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    delete run.sharedInfrastructure;
    await stop();
  };
}

interface Shared {
  provided: ProvidedContext;
  stop: () => Promise<void>;
}

async function start(): Promise<Shared> {
  const stateDir = mkdtempSync(join(tmpdir(), 'withdrawal-tests-'));
  const infrastructure = await startInfrastructure({ stateDir, ports: await freePorts(), parts: ['mysql', 'redis', 'temporal', 'aws'] });
  const { databaseUrl, redisUrl, temporalAddress, awsEndpointUrl } = infrastructure.urls;
  if (!databaseUrl || !redisUrl || !temporalAddress || !awsEndpointUrl) throw new Error('a part of the test infrastructure has no address');
  const sharedDir = join(stateDir, 'shared');
  mkdirSync(sharedDir);
  return {
    provided: { sharedDir, infrastructure: { databaseUrl, redisUrl, temporalAddress, awsEndpointUrl } },
    async stop() {
      await infrastructure.stop();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}
