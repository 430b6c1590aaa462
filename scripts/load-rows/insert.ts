import { getTableColumns } from 'drizzle-orm';
import { getTableConfig, type MySqlColumn, type MySqlTable } from 'drizzle-orm/mysql-core';
import type { Pool } from 'mysql2/promise';

/** Small enough for the smallest `max_allowed_packet` in use. */
const ROWS_AT_ONCE = 5_000;

/** Adds many rows by as few statements as they take, spelled by the schema. `ifNew` passes over those whose key is there. */
export async function insertRows<Table extends MySqlTable>(pool: Pool, table: Table, rows: readonly Table['$inferInsert'][], options: { ifNew?: boolean } = {}): Promise<void> {
  const columns = Object.entries(getTableColumns(table)).filter(([key]) => rows.some((row) => key in row));
  const names = columns.map(([, column]) => `\`${column.name}\``).join(', ');
  for (let start = 0; start < rows.length; start += ROWS_AT_ONCE) {
    const values = rows.slice(start, start + ROWS_AT_ONCE).map((row) => columns.map(([key, column]) => storedAs(column, (row as Record<string, unknown>)[key])));
    await pool.query(`INSERT ${options.ifNew ? 'IGNORE ' : ''}INTO \`${getTableConfig(table).name}\` (${names}) VALUES ?`, [values]);
  }
}

function storedAs(column: MySqlColumn, value: unknown): unknown {
  return value === null || value === undefined ? null : column.mapToDriverValue(value);
}
