import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { freePorts, startInfrastructure, type InfrastructureUrls } from '../../scripts/stack/infrastructure.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** where what all test files can use is kept for this run */
    sharedDir: string;
    infrastructure: Required<Pick<InfrastructureUrls, 'databaseUrl' | 'redisUrl' | 'temporalAddress' | 'awsEndpointUrl'>>;
  }
}

/** One real database, Redis, Temporal server and secret store for all integration tests, on ports of their own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stateDir = mkdtempSync(join(tmpdir(), 'withdrawal-tests-'));
  const infrastructure = await startInfrastructure({ stateDir, ports: await freePorts(), parts: ['mysql', 'redis', 'temporal', 'aws'] });
  const { databaseUrl, redisUrl, temporalAddress, awsEndpointUrl } = infrastructure.urls;
  if (!databaseUrl || !redisUrl || !temporalAddress || !awsEndpointUrl) throw new Error('a part of the test infrastructure has no address');
  const sharedDir = join(stateDir, 'shared');
  mkdirSync(sharedDir);
  project.provide('sharedDir', sharedDir);
  project.provide('infrastructure', { databaseUrl, redisUrl, temporalAddress, awsEndpointUrl });
  return async () => {
    await infrastructure.stop();
    rmSync(stateDir, { recursive: true, force: true });
  };
}
