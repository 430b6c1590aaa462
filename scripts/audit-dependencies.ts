import { parseArgs } from 'node:util';
import { readSignatures, readVulnerabilities, runNpm } from './dependencies/audit.ts';

const HELP = `Usage: npm run audit:dependencies [-- --unasked-is-fine]

Asks the registry whether what we run on has known vulnerabilities (npm audit --omit=dev), and checks its signatures on what is
installed (npm audit signatures). It asks for itself and is no part of npm test, whose verdict must not change from one day to the next.

  --unasked-is-fine  exit 0 also where a question could not be asked, after saying so: for a CI without a way to the endpoints

Exits 0 when both are clean; 1 when something was found; 2 when a question could not be asked.`;

const SIGNS = { clean: '✔', found: '✘', unasked: '?' } as const;

function main(): number {
  const { values } = parseArgs({ options: { 'unasked-is-fine': { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } } });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const answers = [
    { question: 'known vulnerabilities', answer: readVulnerabilities(runNpm(['audit', '--omit=dev', '--json'])) },
    { question: 'registry signatures', answer: readSignatures(runNpm(['audit', 'signatures', '--json'])) },
  ];
  for (const { question, answer } of answers) console.log(`${SIGNS[answer.kind]} ${question}: ${answer.kind === 'unasked' ? `NOT CHECKED, the registry could not be asked (${answer.detail})` : answer.detail}`);
  if (answers.some(({ answer }) => answer.kind === 'found')) return 1;
  return answers.some(({ answer }) => answer.kind === 'unasked') && !values['unasked-is-fine'] ? 2 : 0;
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
