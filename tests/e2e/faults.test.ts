import { copyFileSync, appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkRun, type Checked } from '../faults/checker/checker.ts';
import { FAULT_KINDS } from '../faults/plan.ts';
import { runFaults, type FaultReport } from '../faults/run.ts';
import { showReport } from '../faults/show-report.ts';

/** The short form of `npm run faults`: nearly every kind once, in a fixed order. */
const SEED = 4;
const LENGTH_MS = 65_000;
const RUN_TIMEOUT_MS = 400_000;

describe('a fault run', () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'faults-'));
  let report: FaultReport;
  let tampered: Checked;

  beforeAll(async () => {
    report = await runFaults({
      seed: SEED,
      lengthMs: LENGTH_MS,
      rate: 1,
      stateDir,
      say: (line) => console.log(line),
      afterwards: async (judged) => {
        const recordFile = join(stateDir, 'tampered.jsonl');
        copyFileSync(judged.recordFile, recordFile);
        const toAddress = `0x${'77'.repeat(20)}`;
        const lines = [
          { type: 'posted', at: 0, key: 'forged', ownerId: 1, currency: 'USDC', tokenAddress: null, amount: '1', toAddress },
          { type: 'accepted', at: 0, key: 'forged', requestId: 'tx-1700000000000-forged', repeat: false },
        ];
        appendFileSync(recordFile, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
        tampered = await checkRun({ ...judged, recordFile });
      },
    });
    console.log(showReport(report));
  }, RUN_TIMEOUT_MS);
  afterAll(() => {
    rmSync(stateDir, { recursive: true, force: true });
  });

  it('loses nothing, pays nothing twice and breaks no invariant, by a checker of its own', () => {
    expect(report.violations).toEqual([]);
    expect(report).toMatchObject({ duplicates: 0, losses: 0 });
    expect(report.recoverMs).not.toBeNull();
  });

  it('really did something: nearly every kind of fault, on a stack that was working', () => {
    const done = Object.values(report.injected).filter((counts) => counts.done > 0);
    expect(done.length).toBeGreaterThan(FAULT_KINDS.length * 0.7);
    expect(report.restarts).toBeGreaterThan(0);
    expect(report.endedAs['COMPLETED']).toBeGreaterThan(30);
    const unseen = report.invariants.filter(({ checked }) => checked === 0).map(({ title }) => title);
    expect(unseen.filter((title) => !/alarm|cancelled|not completed/.test(title))).toEqual([]);
  });

  it('would have seen an accepted withdrawal that the books do not hold', () => {
    expect(tampered.losses).toBe(1);
    expect(tampered.violations.join('\n')).toContain('tx-1700000000000-forged (key forged) was accepted, but has no row');
  });
});
