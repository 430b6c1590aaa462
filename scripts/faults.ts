import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runFaults } from '../tests/faults/run.ts';
import { showReport } from '../tests/faults/show-report.ts';
import { eventProgress, terminalView } from './command-line/progress.ts';

const HELP = `Usage: npm run faults [-- --seed N] [--minutes M] [--rate R] [--keep]

Runs the whole engine on parts, ports and state of its own, behind proxies that fail; posts withdrawals, and meanwhile kills and
freezes roles, cuts and stalls connections, reorganises the chain, and more, all drawn from the seed. Then everything is healed, every
withdrawal must end, and a checker that shares no code with the engine holds chain, books and accepted answers against each other.
Never touches .sandbox/.

  --seed N     which faults come when (default: a new one, which is printed)
  --minutes M  how long faults are injected (default 2); starting and recovering come on top
  --rate R     withdrawals posted a second (default 2)
  --keep       keep the state directory, with record.jsonl, report.json and the logs

Exits 0 when nothing was lost, paid twice, or otherwise broken; 1 when something was; 2 when the run could not be done.`;

function numberFrom(name: string, text: string, fits: (value: number) => boolean): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || !fits(value)) throw new Error(`--${name} takes another value than "${text}": see --help.`);
  return value;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      minutes: { type: 'string', default: '2' },
      rate: { type: 'string', default: '2' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const seed = values.seed === undefined ? randomInt(1, 2 ** 31) : numberFrom('seed', values.seed, (value) => Number.isInteger(value) && value >= 0 && value < 2 ** 31);
  const minutes = numberFrom('minutes', values.minutes, (value) => value > 0 && value <= 24 * 60);
  const rate = numberFrom('rate', values.rate, (value) => value > 0 && value <= 50);
  const stateDir = mkdtempSync(join(tmpdir(), 'faults-'));
  console.log(`Fault run with seed ${seed}: ${minutes} min of faults, ${rate} withdrawals a second, state in ${stateDir}`);
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort(new Error(`stopped by ${signal}`)));
  const view = terminalView(process.stdout);
  try {
    const report = await runFaults({ seed, lengthMs: minutes * 60_000, rate, stateDir, say: (line) => console.log(line), progress: eventProgress(view.show), signal: stopping.signal });
    console.log(showReport(report));
    return report.violations.length === 0 ? 0 : 1;
  } finally {
    view.close();
    if (values.keep) console.log(`State kept in ${stateDir}`);
    else rmSync(stateDir, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  // Nothing of the run is left to wait for: everything it started is stopped, and the load would go on asking.
  process.exit(2);
}
