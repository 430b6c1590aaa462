import type { FileCoverageData } from 'istanbul-lib-coverage';

/** Sets what a file has counted back to nothing. */
export function setBack({ s, f, b }: Pick<FileCoverageData, 's' | 'f' | 'b'>): void {
  for (const counters of [s, f]) for (const id of Object.keys(counters)) counters[id] = 0;
  for (const arms of Object.values(b)) arms.fill(0);
}
