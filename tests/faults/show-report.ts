import type { FaultReport } from './run.ts';

const seconds = (ms: number | null | undefined): string => (ms === null || ms === undefined ? 'never' : `${(ms / 1000).toFixed(1)} s`);

/** The report as a person reads it at the end of a run. */
export function showReport(report: FaultReport): string {
  const injected = Object.entries(report.injected).toSorted(([left], [right]) => left.localeCompare(right));
  const width = Math.max(...injected.map(([kind]) => kind.length), ...report.invariants.map(({ title }) => title.length));
  const done = injected.reduce((sum, [, counts]) => sum + counts.done, 0);
  const lines = [
    '',
    `Injected in ${report.minutes} min (${done} faults of ${injected.length} kinds):`,
    ...injected.map(([kind, counts]) => `  ${kind.padEnd(22)}${String(counts.done).padStart(4)}${counts.notPossible > 0 ? `   (${counts.notPossible} more found nothing to act on)` : ''}`),
    '',
    'Survived:',
    `  processes started again ${report.restarts}, answers lost on the way to the client ${report.lostAnswers}, asked to cancel ${report.cancelsAsked}, dead letters a person answered ${report.answeredByAPerson}`,
    `  accepted ${report.accepted} of ${report.posted} posted; ended as ${Object.entries(report.endedAs).map(([status, count]) => `${status} ${count}`).join(', ')}`,
    `  from accepted to completed: median ${seconds(report.latency?.p50)}, p95 ${seconds(report.latency?.p95)}, slowest ${seconds(report.latency?.max)}`,
    `  time to recover (healed → last of the earlier withdrawals ended): ${seconds(report.recoverMs)}`,
    '',
    'Invariants:',
    ...report.invariants.map(({ title, checked, violations }) => `  ${violations === 0 ? '✔' : '✘'} ${title.padEnd(width)}${String(checked).padStart(6)} checked${violations > 0 ? `, ${violations} BROKEN` : ''}`),
    '',
    ...(report.violations.length > 0 ? ['VIOLATIONS:', ...report.violations.map((violation) => `  ${violation}`), ''] : []),
    `duplicates ${report.duplicates}, losses ${report.losses}, violations ${report.violations.length}`,
    `replay: ${report.replay}`,
  ];
  return lines.join('\n');
}
