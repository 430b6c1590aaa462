import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const files = readdirSync(new URL('.', import.meta.url)).filter((file) => file.endsWith('.sql'));
const statementOf = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8');

/** What one of MariaDB 10.11 and MySQL 8.4 refuses, or reads differently, by what it looks like. */
const FOREIGN: readonly (readonly [what: string, looks: RegExp])[] = [
  // MySQL has these for tables, triggers and databases only.
  ['IF [NOT] EXISTS on a column, key or constraint: MariaDB alone', /\b(ADD|DROP|MODIFY|CHANGE)\s+(COLUMN\s+|INDEX\s+|KEY\s+|UNIQUE\s+(KEY|INDEX)\s+|CONSTRAINT\s+|CHECK\s+|FOREIGN KEY\s+)?IF\s+(NOT\s+)?EXISTS\b/i],
  ['CREATE or DROP INDEX with IF [NOT] EXISTS: MariaDB alone', /\b(CREATE|DROP)\s+(UNIQUE\s+)?INDEX\s+IF\s+(NOT\s+)?EXISTS\b/i],
  ['CREATE OR REPLACE TABLE or TRIGGER: MariaDB alone', /\bCREATE\s+OR\s+REPLACE\s+(TABLE|TRIGGER)\b/i],
  ['RETURNING: MariaDB alone', /\bRETURNING\b/i],
  ['a sequence, or system versioning: MariaDB alone', /\bSEQUENCE\b|\bSYSTEM\s+VERSIONING\b/i],
  ['the types UUID, INET4, INET6: MariaDB alone', /`\s+(UUID|INET[46])\b/i],
  ['JSON, which MariaDB keeps as text and MySQL sorts and compares as a value', /`\s+JSON\b/i],
  ['a collation that only one of them has', /\b(utf8mb4_0900_\w+|uca1400_\w+|\w+_nopad_\w+)\b/i],
  ['a functional key or an invisible column: MySQL alone, or written differently', /\bKEY\s+`\w+`\s*\(\s*\(|\bINVISIBLE\b/i],
  ['DROP CHECK or ALTER CHECK: MySQL alone (DROP CONSTRAINT is both)', /\b(DROP|ALTER)\s+CHECK\b/i],
  ['PERSISTENT columns: MariaDB alone', /\bPERSISTENT\b/i],
  ['a key length or a DEFAULT expression on text without brackets: MariaDB alone', /\b(text|mediumtext|blob)\b[^,]*\bDEFAULT\s+'/i],
  ['a subquery or a function of the moment in a CHECK', /\bCHECK\s*\([^;]*\b(SELECT|NOW|CURRENT_TIMESTAMP|UTC_TIMESTAMP|RAND|UUID)\b/i],
  ['WAIT or NOWAIT on a statement that changes tables: MariaDB alone', /\bALTER\s+TABLE\s+`?\w+`?\s+(NO)?WAIT\b/i],
];

describe('migrations', () => {
  it.each(FOREIGN)('hold nothing that only one of the databases takes: %s', (_, looks) => {
    expect(files.filter((file) => looks.test(statementOf(file)))).toEqual([]);
  });

  it.each(files)('%s is one statement, of tables with a collation that both have', (file) => {
    const statement = statementOf(file).trimEnd();
    expect(statement).toMatch(/;$/);
    if (statement.startsWith('CREATE TABLE')) expect(statement).toMatch(/\) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;$/);
    if (!statement.startsWith('CREATE TRIGGER')) expect(statement.replaceAll(/'[^']*'/g, '').match(/;/g)).toHaveLength(1);
  });

  it('know what they are looking for', () => {
    const foreign = ['ALTER TABLE `a` ADD COLUMN IF NOT EXISTS `b` int;', 'CREATE INDEX IF NOT EXISTS `i` ON `a` (`b`);', 'CREATE OR REPLACE TABLE `a` (`b` int);', 'INSERT INTO `a` VALUES (1) RETURNING `b`;', 'CREATE TABLE `a` (`b` JSON);', 'CREATE TABLE `a` (`b` int) COLLATE=utf8mb4_0900_ai_ci;', 'ALTER TABLE `a` DROP CHECK `c`;', 'ALTER TABLE `a` DROP INDEX IF EXISTS `i`;'];
    for (const statement of foreign) expect({ statement, found: FOREIGN.some(([, looks]) => looks.test(statement)) }).toEqual({ statement, found: true });
  });
});
