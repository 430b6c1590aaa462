import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker, type WorkflowBundle } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { SCENARIOS } from '../tests/histories/scenarios.ts';
import { readHistory } from '../tests/histories/history-file.ts';

const folder = fileURLToPath(new URL('./histories/', import.meta.url));
const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
const silent = { log: () => undefined, trace: () => undefined, debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const bundle = (workflows: string): Promise<WorkflowBundle> => bundleWorkflowCode({ workflowsPath: fileURLToPath(new URL(workflows, import.meta.url)), logger: silent });

/** Replays one history; resolves to what went wrong, or null. */
async function replay(workflowBundle: WorkflowBundle, file: string): Promise<Error | null> {
  for await (const { error } of Worker.runReplayHistories({ workflowBundle }, [{ workflowId: file, history: readHistory(folder + file) }])) return error ?? null;
  throw new Error('nothing was replayed');
}

beforeAll(() => Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) }));

describe('golden histories', () => {
  let today: WorkflowBundle;
  beforeAll(async () => {
    today = await bundle('./index.ts');
  }, 60_000);

  it('are there for every road', () => {
    expect(SCENARIOS.map(({ name }) => `${name}.json`).filter((file) => !files.includes(file))).toEqual([]);
  });

  it.each(files)("%s is replayed by today's code", async (file) => {
    expect(await replay(today, file)).toBeNull();
  });
});

describe('a workflow that was changed without a patch', () => {
  let broken: WorkflowBundle;
  beforeAll(async () => {
    broken = await bundle('../tests/histories/broken-workflow.ts');
  }, 60_000);

  it('is found out by a history of every kind', async () => {
    const unnoticed: string[] = [];
    for (const { name } of SCENARIOS.filter(({ guardians }) => !guardians)) {
      const error = await replay(broken, `${name}.json`);
      if (error?.name !== 'DeterminismViolationError') unnoticed.push(`${name}: ${error?.name ?? 'no error'}`);
    }
    expect(unnoticed).toEqual([]);
  });
});
