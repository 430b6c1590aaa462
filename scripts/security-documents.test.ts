import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (name: string): string => readFileSync(`${ROOT}docs/${name}`, 'utf8');

/** How many requirements of levels 1 and 2 each section of ASVS 5.0.0 has; within a section they are counted from 1. */
const REQUIREMENTS: Readonly<Record<string, number>> = {
  '1.1': 2, '1.2': 9, '1.3': 11, '1.4': 3, '1.5': 2, '2.1': 3, '2.2': 3, '2.3': 4, '2.4': 1, '3.2': 2, '3.3': 4, '3.4': 6, '3.5': 5, '3.7': 2, '4.1': 3, '4.2': 1, '4.3': 2, '4.4': 4,
  '5.1': 1, '5.2': 3, '5.3': 2, '5.4': 3, '6.1': 3, '6.2': 12, '6.3': 4, '6.4': 4, '6.5': 5, '6.6': 3, '6.8': 4, '7.1': 3, '7.2': 4, '7.3': 2, '7.4': 5, '7.5': 2, '7.6': 2,
  '8.1': 2, '8.2': 3, '8.3': 1, '8.4': 1, '9.1': 3, '9.2': 4, '10.1': 2, '10.2': 2, '10.3': 4, '10.4': 11, '10.5': 5, '10.6': 2, '10.7': 3, '11.1': 2, '11.2': 3, '11.3': 3, '11.4': 4, '11.5': 1, '11.6': 1,
  '12.1': 3, '12.2': 2, '12.3': 4, '13.1': 1, '13.2': 5, '13.3': 2, '13.4': 5, '14.1': 2, '14.2': 4, '14.3': 3, '15.1': 3, '15.2': 3, '15.3': 7, '16.1': 1, '16.2': 5, '16.3': 4, '16.4': 3, '16.5': 3,
  '17.1': 1, '17.2': 4, '17.3': 2,
};

/** Rows of requirements: their numbers, what is said of them, and what shows it. */
function rows(): { numbers: string[]; says: string }[] {
  return [...read('security.md').matchAll(/^\| (\d+\.\d+\.\d+[^|]*) \| ([^|]*) \|/gm)].map(([, numbers = '', says = '']) => ({ numbers: numbers.split(', ').flatMap(numbersIn), says }));
}

/** `1.2.6–1.2.8` is three. */
function numbersIn(text: string): string[] {
  const [from = '', to = from] = text.split('–');
  const section = from.slice(0, from.lastIndexOf('.'));
  const last = Number(to.split('.').at(-1));
  const numbers = [];
  for (let number = Number(from.split('.').at(-1)); number <= last; number += 1) numbers.push(`${section}.${number}`);
  return numbers;
}

describe.each(['security.md', 'threat-model.md'])('docs/%s', (name) => {
  it('names files that exist', () => {
    const named = [...read(name).matchAll(/`([A-Za-z0-9._-]+\/[A-Za-z0-9./_-]+\.(?:ts|md|json|sql))`/g)].map(([, file = '']) => file);
    const links = [...read(name).matchAll(/\]\(([a-z-]+\.md)\)/g)].map(([, file]) => `docs/${file}`);
    expect(named.length + links.length).toBeGreaterThan(0);
    expect([...new Set([...named, ...links])].filter((file) => !existsSync(`${ROOT}${file}`))).toEqual([]);
  });
});

describe('the requirements of ASVS 5.0.0', () => {
  it('of levels 1 and 2 are each answered once', () => {
    const wanted = Object.entries(REQUIREMENTS).flatMap(([section, count]) => Array.from({ length: count }, (_, index) => `${section}.${index + 1}`));
    expect(wanted).toHaveLength(253);
    expect(rows().flatMap(({ numbers }) => numbers).toSorted()).toEqual(wanted.toSorted());
  });

  it('are said to be met, partly met, not met, the operator’s, or not applicable', () => {
    expect(rows().filter(({ says }) => !/^(met|partly|not met|operator|–)(:| |$)/.test(says)).map(({ numbers }) => numbers)).toEqual([]);
  });
});
