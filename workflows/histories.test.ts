import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, makeTelemetryFilterString, Runtime, Worker, type WorkflowBundle } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { SCENARIOS } from '../tests/histories/scenarios.ts';
import { neverReplayed } from '../tests/histories/replay-coverage.ts';
import { readHistory } from '../tests/histories/history-file.ts';
import { SEALED_PAYLOADS } from '../tests/harness/payloads.ts';
import { WORKFLOW_BUNDLE } from '../workers/workflow-bundle.ts';

const folder = fileURLToPath(new URL('./histories/', import.meta.url));
const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
/** Of other workflows than the withdrawal. */
const OTHERS = ['guardian-fills-a-gap', 'audit-chained', 'sweep', 'reconcile', 'treasury', 'webhook-tried-twice-then-given-up'];
const silent = { log: () => undefined, trace: () => undefined, debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const bundle = (workflows: string): Promise<WorkflowBundle> => bundleWorkflowCode({ ...WORKFLOW_BUNDLE, workflowsPath: fileURLToPath(new URL(workflows, import.meta.url)), logger: silent });

/** Replays one history; resolves to what went wrong, or null. */
async function replay(workflowBundle: WorkflowBundle, file: string): Promise<Error | null> {
  for await (const { error } of Worker.runReplayHistories({ workflowBundle, dataConverter: SEALED_PAYLOADS }, [{ workflowId: file, history: readHistory(folder + file) }])) return error ?? null;
  throw new Error('nothing was replayed');
}

/** Branches of the withdrawal that no history walks, each for a reason. A new branch without a history fails below. */
const NOT_RECORDED = [
  // Interruptions on their way through.
  'if (isControlFlow(error)) throw error;',
  // A parameter's default, and an index behind the end of a list that has one entry at least.
  "async function confirm(request: WithdrawalInput, hands: OperatorHands, mode: 'pay' | 'void' = 'pay'): Promise<FinalVerdict | Extract<ConfirmVerdict, { kind: 'settled' }>> {",
  "const answered = await condition(() => retryWanted(hands) || stopWanted(hands), escalateAfterMs[Math.min(reminders, escalateAfterMs.length - 1)] ?? DAY_MS, { summary: 'wait for a person, until the next reminder' });",
  // Asked for the type's sake: who calls has looked.
  'if (txHash === null) return false;',
  // The market moves above the ceiling between two steps that are milliseconds apart.
  'await condition(() => stopWanted(hands), FEE_HOLD_MS, HELD);',
  "if (kind === 'held') await sleep(FEE_HOLD_MS, HELD);",
  // Two runs of one withdrawal, or a person and the chain, within milliseconds; tested activity by activity.
  "if (verdict.kind === 'settled') continue;",
  "if ((await replace(request, hands)) === 'cancelled') return 'cancelled';",
  "if (voiding === 'held') await sleep(FEE_HOLD_MS, HELD);",
  "if (failureOf(error).code !== 'INVALID_STATE') throw error;",
  "if (ended === null) await sleep(FEE_HOLD_MS, { summary: 'something that may pay exists: take it up' });",
  'if (ended === null) hands.cancelled = false;',
  "if (signed !== 'signed') return (await cancelUnpaid(request, hands)) ?? fail(WAITS_FOR_A_PERSON);",
  'const signed = hands.cancelled ? await run() : await interruptible(hands, run);',
  'return null;',
  'if (ended !== null) return ended;',
  'if (status !== null && isEnd(status)) return status;',
  "const status = verdict.kind === 'settled' ? null : await insist(() => settle(request, hands, verdict));",
  // Thousands of events.
  'await condition(allHandlersFinished);',
  'await continueAsNew<typeof withdrawal>(request, hands);',
  '}',
];

// What is broken on purpose says so at length.
beforeAll(() => Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined), telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }), forward: {} } } }));

describe('golden histories', () => {
  let today: WorkflowBundle;
  beforeAll(async () => {
    today = await bundle('./index.ts');
  }, 60_000);

  it('are there for every road', () => {
    expect(SCENARIOS.map(({ name }) => `${name}.json`).filter((file) => !files.includes(file))).toEqual([]);
  });

  it.each(files)("%s is replayed by today's code", { timeout: 60_000 }, async (file) => {
    expect(await replay(today, file)).toBeNull();
  });
});

it('every branch of the withdrawal is walked by a golden history, but those that are known', { timeout: 120_000 }, async () => {
  const histories = files.map((file) => ({ workflowId: file, history: readHistory(folder + file) }));
  const never = await neverReplayed(fileURLToPath(new URL('./index.ts', import.meta.url)), 'workflows/withdrawal.ts', histories);
  expect(never.filter((line) => !NOT_RECORDED.includes(line))).toEqual([]);
  expect(NOT_RECORDED.filter((line) => !never.includes(line))).toEqual([]);
});

describe('a workflow that was changed without a patch', () => {
  let broken: WorkflowBundle;
  beforeAll(async () => {
    broken = await bundle('../tests/histories/broken-workflow.ts');
  }, 60_000);

  it('is found out by a history of every kind', { timeout: 120_000 }, async () => {
    const unnoticed: string[] = [];
    for (const { name } of SCENARIOS.filter((scenario) => !OTHERS.includes(scenario.name))) {
      const error = await replay(broken, `${name}.json`);
      if (error?.name !== 'DeterminismViolationError') unnoticed.push(`${name}: ${error?.name ?? 'no error'}`);
    }
    expect(unnoticed).toEqual([]);
  });
});
