import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../../api/api.testkit.ts';
import { ensureSchemathesisInstalled } from '../../scripts/stack/schemathesis.ts';
import { fuzz, type FuzzOptions, type FuzzReport } from '../fuzz/run.ts';

const SEED = 20_261_128;

let api: TestApi;
let given: Pick<FuzzOptions, 'baseUrl' | 'command' | 'seed' | 'secondsMax' | 'reportDir'>;
beforeAll(async () => {
  const reportDir = mkdtempSync(join(tmpdir(), 'fuzz-'));
  const command = await ensureSchemathesisInstalled(join(reportDir, 'install.log'));
  api = await startTestApi();
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  given = { baseUrl: `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`, command, seed: SEED, secondsMax: 240, reportDir };
}, 600_000);
afterAll(async () => {
  await api.close();
  rmSync(given.reportDir, { recursive: true, force: true });
});

/** Everything a run left behind. */
function reportsOf(actor: string): string {
  const folder = join(given.reportDir, actor);
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8')).join('\n');
}

/** With what repeats each finding, where there is one. */
function expectNothing({ actor, findings }: FuzzReport): void {
  expect(findings.length === 0 ? [] : [...findings, reportsOf(actor)]).toEqual([]);
}

describe('the short run of the fuzzer (npm run fuzz is the long one)', () => {
  it.each([['user', 2], ['admin', 4]] as const)('as %s finds nothing that is not documented, and writes no token down', async (name, examplesMax) => {
    const { bearer } = api[name];
    const report = await fuzz({ ...given, actor: { name, authorization: bearer }, phases: ['fuzzing'], examplesMax });
    expectNothing(report);
    expect(report.operations).toBeGreaterThan(50);
    expect(report.requests).toBeGreaterThan(report.operations);
    expect(reportsOf(name)).not.toContain(bearer.slice('Bearer '.length));
    expect(api.logText()).not.toContain('"level":"ERROR"');
  }, 300_000);

  // The last: it may switch off whoever it finds.
  it('of what can end the session that calls finds nothing either', async () => {
    const { bearer } = await api.account('ADMIN');
    const report = await fuzz({ ...given, actor: { name: 'leaving', authorization: bearer, endsSessions: true }, phases: ['fuzzing'], examplesMax: 2 });
    expectNothing(report);
    expect(report.operations).toBeGreaterThan(0);
  }, 300_000);
});
