import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** One whole stack in so many files that run an engine: a stack is a dozen processes. */
const STACK_EVERY = 3;
/** So many small files after each that runs an engine. They are used up before the end, where nobody should wait for a long one alone. */
const SMALL_AFTER = 3;

/**
 * What waits stands beside what works, so that the processors are busy from beginning to end: a file that runs an engine waits for blocks
 * and timers most of its time, the small integration files hardly ever. End-to-end files are spread, and unit files come last.
 */
export class Mixed extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- a sequencer is no array
    const sorted = await super.sort(files);
    const of = (kind: Kind): TestSpecification[] => sorted.filter((file) => kindOf(file) === kind);
    const [stacks, small] = [of('stack'), of('small')];
    const mixed = of('engine').flatMap((file, index) => [...(index % STACK_EVERY === 0 ? stacks.splice(0, 1) : []), file, ...small.splice(0, SMALL_AFTER)]);
    return [...mixed, ...stacks, ...small, ...of('unit')];
  }
}

type Kind = 'stack' | 'engine' | 'small' | 'unit';

function kindOf({ project, moduleId }: TestSpecification): Kind {
  if (project.name === 'e2e') return 'stack';
  if (project.name === 'unit') return 'unit';
  return moduleId.includes('/tests/integration/') ? 'engine' : 'small';
}
