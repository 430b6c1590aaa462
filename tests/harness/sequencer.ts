import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** One whole stack in so many files: a stack is a dozen processes. */
const STACK_EVERY = 4;

/**
 * What takes longest comes first, so that no worker is left with it alone at the end: end-to-end files, spread so that few of them run at
 * the same time, among the files that run an engine, then the other integration files, then the unit files.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- a sequencer is no array
    const sorted = (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
    const stacks = sorted.filter((file) => rank(file) === 0);
    const others = sorted.filter((file) => rank(file) !== 0);
    return [...others.flatMap((file, index) => (index % STACK_EVERY === 0 ? [...stacks.splice(0, 1), file] : [file])), ...stacks];
  }
}

function rank({ project, moduleId }: TestSpecification): number {
  if (project.name === 'e2e') return 0;
  if (project.name === 'unit') return 3;
  return moduleId.includes('/tests/integration/') ? 1 : 2;
}
