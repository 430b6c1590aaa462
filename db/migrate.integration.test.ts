import { readdirSync } from 'node:fs';
import { getTableConfig, type MySqlTable } from 'drizzle-orm/mysql-core';
import { is, SQL } from 'drizzle-orm';
import type { Pool, RowDataPacket } from 'mysql2/promise';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../tests/harness/database.ts';
import { migrateDown, migrateUp, migrationStatus } from './migrate.ts';
import * as schema from './schema/index.ts';

const MIGRATIONS = readdirSync(new URL('./migrations/', import.meta.url)).filter((file) => file.endsWith('.up.sql')).length;
const TABLES: readonly MySqlTable[] = Object.values(schema);

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase({ migrated: false });
});
afterEach(() => database.close());

async function rowsOf(pool: Pool, sql: string): Promise<RowDataPacket[]> {
  const [rows] = await pool.query<RowDataPacket[]>(sql);
  return rows;
}

async function tablesIn(pool: Pool): Promise<string[]> {
  const rows = await rowsOf(pool, 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()');
  // Sorted here: the server's order puts an underscore after the letters.
  return rows.map((row) => String(row['name'])).filter((name) => name !== 'schema_migrations').toSorted();
}

/** The whole schema as the server itself writes it down. */
async function dump(pool: Pool): Promise<Record<string, string>> {
  const definitions: Record<string, string> = {};
  for (const table of await tablesIn(pool)) {
    const [row] = await rowsOf(pool, `SHOW CREATE TABLE \`${table}\``);
    definitions[table] = String(row?.['Create Table']);
  }
  return definitions;
}

describe('migrations', () => {
  it('make every table from nothing, and find nothing to do the second time', async () => {
    const names = await migrateUp(database.url);
    expect(names).toHaveLength(MIGRATIONS);
    expect(await migrateUp(database.url)).toEqual([]);
    expect(await migrationStatus(database.url)).toEqual({ applied: names, pending: [] });
    expect(await tablesIn(database.pool)).toEqual(TABLES.map((table) => getTableConfig(table).name).toSorted());
  });

  it('go back one by one, each to the schema that was there before, and up again to the same', async () => {
    const names = await migrateUp(database.url);
    const whole = await dump(database.pool);
    const later: Record<string, string>[] = [];
    for (const name of names.toReversed()) {
      later.push(await dump(database.pool));
      expect(await migrateDown(database.url, 1)).toEqual([name]);
      expect((await migrationStatus(database.url)).pending[0]).toBe(name);
    }
    expect(await dump(database.pool)).toEqual({});
    expect(await migrateDown(database.url, 1)).toEqual([]);

    expect(await migrateUp(database.url)).toEqual(names);
    expect(await dump(database.pool)).toEqual(whole);
    // Taking one back and on again ends where it began, wherever one stands.
    for (const expected of later) {
      expect(await dump(database.pool)).toEqual(expected);
      await migrateDown(database.url, 1);
    }
  });

  it('go back all at once', async () => {
    const names = await migrateUp(database.url);
    expect(await migrateDown(database.url, 'all')).toEqual(names.toReversed());
    expect(await tablesIn(database.pool)).toEqual([]);
  });

  it.each([
    ['tables of something else', 'CREATE TABLE users (id int PRIMARY KEY)', 'users'],
    ['a record of another tool\'s migrations', 'CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean)', 'schema_migrations'],
  ])('leave a database with %s as it is', async (_, statement, table) => {
    await database.pool.query(statement);
    const all = 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()';
    for (const use of [migrateUp, migrationStatus, async (url: string) => await migrateDown(url, 'all')]) {
      await expect(use(database.url)).rejects.toThrow(`the database holds tables of something else (${table}): give an empty one`);
    }
    expect((await rowsOf(database.pool, all)).map((row) => String(row['name']))).toEqual([table]);
  });

  it('started twice at once are applied once, and both starts succeed', async () => {
    const results = await Promise.all([migrateUp(database.url), migrateUp(database.url)]);
    expect(results.map((names) => names.length).toSorted((left, right) => left - right)).toEqual([0, MIGRATIONS]);
    expect((await migrationStatus(database.url)).pending).toEqual([]);
  });

  it('go on after a death between a statement and its record, in both directions', async () => {
    const names = await migrateUp(database.url);
    const whole = await dump(database.pool);
    const last = names.at(-1);
    // What is left when the process dies right after the table was made, or right after it was dropped.
    await database.pool.query('DELETE FROM schema_migrations WHERE name = ?', [last]);
    expect(await migrateUp(database.url)).toEqual([last]);
    expect(await dump(database.pool)).toEqual(whole);

    await migrateDown(database.url, 1);
    await database.pool.query('INSERT INTO schema_migrations (name, applied_at) VALUES (?, UTC_TIMESTAMP(3))', [last]);
    expect(await migrateDown(database.url, 1)).toEqual([last]);
    expect(await migrateUp(database.url)).toEqual([last]);
    expect(await dump(database.pool)).toEqual(whole);
  });
});

interface Column {
  name: string;
  type: string;
  nullable: boolean;
  autoIncrement: boolean;
  default: string | null;
}

interface Index {
  name: string;
  unique: boolean;
  columns: string[];
}

const byName = (left: { name: string }, right: { name: string }) => (left.name < right.name ? -1 : 1);

/** One spelling for what MySQL and MariaDB write differently: display widths, `boolean`, quoted defaults. */
function typeOf(sqlType: string): string {
  const type = sqlType.toLowerCase() === 'boolean' ? 'tinyint(1)' : sqlType;
  return type.replace(/^(int|bigint|tinyint)\((?!1\))\d+\)/i, '$1').replaceAll(/,\s+/g, ',');
}

function defaultOf(value: unknown): string | null {
  if (value === null || value === undefined || value === 'NULL') return null;
  if (is(value, SQL)) throw new Error('no column has a computed default');
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value !== 'string' && typeof value !== 'number') throw new Error('a default is a plain value');
  return `${value}`.replaceAll("'", '');
}

async function columnsInDatabase(pool: Pool, table: string): Promise<Column[]> {
  const rows = await rowsOf(
    pool,
    `SELECT column_name AS name, column_type AS type, is_nullable AS nullable, extra AS extra, column_default AS fallback FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = '${table}'`,
  );
  return rows
    .map((row) => ({ name: String(row['name']), type: typeOf(String(row['type'])), nullable: row['nullable'] === 'YES', autoIncrement: String(row['extra']).includes('auto_increment'), default: defaultOf(row['fallback']) }))
    .toSorted(byName);
}

function columnsInSchema(table: MySqlTable): Column[] {
  return getTableConfig(table)
    .columns.map((column) => ({
      name: column.name,
      type: typeOf(column.getSQLType()),
      nullable: !column.notNull,
      autoIncrement: 'autoIncrement' in column && column.autoIncrement === true,
      default: column.hasDefault && column.default !== undefined ? defaultOf(column.default) : null,
    }))
    .toSorted(byName);
}

async function indexesInDatabase(pool: Pool, table: string): Promise<Index[]> {
  const rows = await rowsOf(
    pool,
    `SELECT index_name AS name, non_unique AS shared, column_name AS col FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = '${table}' ORDER BY index_name, seq_in_index`,
  );
  const indexes = new Map<string, Index>();
  for (const row of rows) {
    const name = String(row['name']);
    const index = indexes.get(name) ?? { name, unique: Number(row['shared']) === 0, columns: [] };
    index.columns.push(String(row['col']));
    indexes.set(name, index);
  }
  return [...indexes.values()].toSorted(byName);
}

function indexesInSchema(table: MySqlTable): Index[] {
  const { columns, indexes, primaryKeys } = getTableConfig(table);
  const composite = primaryKeys.map((key) => key.columns.map((column) => column.name));
  const single = columns.filter((column) => column.primary).map((column) => [column.name]);
  const primary = [...composite, ...single].map((names) => ({ name: 'PRIMARY', unique: true, columns: names }));
  const others = indexes.map(({ config }) => ({
    name: config.name,
    unique: config.unique === true,
    columns: config.columns.map((column) => {
      if (is(column, SQL)) throw new Error('no index is over an expression');
      return column.name;
    }),
  }));
  return [...primary, ...others].toSorted(byName);
}

describe('the migrated database', () => {
  it('is what the schema says: every column, type, nullability, default, key and index', async () => {
    await migrateUp(database.url);
    for (const table of TABLES) {
      const { name } = getTableConfig(table);
      expect({ table: name, columns: await columnsInDatabase(database.pool, name), indexes: await indexesInDatabase(database.pool, name) }).toEqual({ table: name, columns: columnsInSchema(table), indexes: indexesInSchema(table) });
    }
  });

  it('compares text byte by byte and runs on InnoDB everywhere: addresses and keys have one spelling', async () => {
    await migrateUp(database.url);
    const rows = await rowsOf(database.pool, "SELECT table_name AS name, table_collation AS collation, engine AS engine FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name <> 'schema_migrations'");
    expect(rows).toHaveLength(TABLES.length);
    for (const row of rows) expect({ ...row }).toEqual({ name: row['name'], collation: 'utf8mb4_bin', engine: 'InnoDB' });
  });
});
