import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Page {
  /** the level of each heading */
  headings: number[];
  /** fenced code blocks with their fences; a shell comment is only `#`, as its words are translated */
  code: string[];
  /** the number of rows of each table, with its head and the line below it */
  tables: number[];
  /** what is linked; a page that has a Korean one counts as the same page in both languages */
  links: string[];
}

function page(name: string): Page {
  const found: Page = { headings: [], code: [], tables: [], links: [] };
  const links = new Set<string>();
  let block: string[] | undefined;
  let rows = 0;
  for (const line of readFileSync(`${ROOT}${name}`, 'utf8').split('\n')) {
    const fence = /^ *```/.test(line);
    if (block !== undefined) {
      block.push(block[0]?.endsWith('```sh') ? line.replace(/(^|\s)#.*$/, '$1#') : line);
      if (fence) {
        found.code.push(block.join('\n'));
        block = undefined;
      }
      continue;
    }
    if (line.startsWith('|')) rows += 1;
    else if (rows > 0) {
      found.tables.push(rows);
      rows = 0;
    }
    if (fence) block = [line];
    const heading = /^(#+) /.exec(line)?.[1];
    if (heading !== undefined) found.headings.push(heading.length);
    for (const [, target = ''] of line.matchAll(/\]\(([^)]+)\)/g)) links.add(target.replace(/\.ko\.md$/, '.md'));
  }
  if (block !== undefined) throw new Error(`A code block of ${name} has no end.`);
  return { ...found, links: [...links].toSorted() };
}

describe.each([
  ['README.md', 'README.ko.md'],
  ['docs/operations.md', 'docs/operations.ko.md'],
])('%s and %s', (englishName, koreanName) => {
  const english = page(englishName);
  const korean = page(koreanName);

  it.each(['headings', 'code', 'tables', 'links'] as const)('have the same %s', (part) => {
    expect(english[part].length).toBeGreaterThan(0);
    expect(korean[part]).toEqual(english[part]);
  });

  it('link to each other below their titles', () => {
    expect(head(englishName)).toContain(`[한국어](${basename(koreanName)})`);
    expect(head(koreanName)).toContain(`[English](${basename(englishName)})`);
  });
});

const head = (name: string): string => readFileSync(`${ROOT}${name}`, 'utf8').split('\n', 4).join('\n');
