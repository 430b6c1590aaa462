import mysql, { type RowDataPacket } from 'mysql2/promise';
import type { TestDatabase } from './database.ts';

/** A database as it was at one moment. */
export interface Backup {
  /** sets every table back to that moment, in one transaction */
  restore(): Promise<void>;
}

/** Every column as text, so that what is read is written back to the last digit. */
const open = (database: TestDatabase) => mysql.createConnection({ uri: database.url, dateStrings: true, supportBigNumbers: true, bigNumberStrings: true, multipleStatements: false });

async function tablesOf(connection: mysql.Connection): Promise<string[]> {
  const [rows] = await connection.query<RowDataPacket[]>('SHOW TABLES');
  return rows.map((row) => String(Object.values(row)[0]));
}

/** Takes a consistent backup, as `mysqldump --single-transaction` does, while the engine runs. */
export async function backUp(database: TestDatabase): Promise<Backup> {
  const connection = await open(database);
  const contents = new Map<string, RowDataPacket[]>();
  try {
    await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    for (const table of await tablesOf(connection)) contents.set(table, (await connection.query<RowDataPacket[]>(`SELECT * FROM \`${table}\``))[0]);
    await connection.query('COMMIT');
  } finally {
    await connection.end();
  }
  return {
    async restore() {
      const into = await open(database);
      try {
        const guards = await dropDeleteGuards(into);
        await into.beginTransaction();
        for (const [table, rows] of contents) {
          await into.query(`DELETE FROM \`${table}\``);
          const [first] = rows;
          if (!first) continue;
          const columns = Object.keys(first);
          await into.query(`INSERT INTO \`${table}\` (${columns.map((column) => `\`${column}\``).join(', ')}) VALUES ?`, [rows.map((row) => columns.map((column) => row[column] as unknown))]);
        }
        await into.commit();
        for (const guard of guards) await into.query(guard);
      } finally {
        await into.end();
      }
    },
  };
}

/** Takes away what refuses deletions, as a restore that makes the tables anew does. @returns the statements that bring it back */
async function dropDeleteGuards(connection: mysql.Connection): Promise<string[]> {
  const [triggers] = await connection.query<RowDataPacket[]>("SHOW TRIGGERS WHERE `Event` = 'DELETE'");
  const statements: string[] = [];
  for (const { Trigger: name } of triggers as { Trigger: string }[]) {
    const [[created]] = await connection.query<RowDataPacket[]>(`SHOW CREATE TRIGGER \`${name}\``);
    statements.push(String(created?.['SQL Original Statement']));
    await connection.query(`DROP TRIGGER \`${name}\``);
  }
  return statements;
}

/** Written at every block by whoever follows the chain: it says nothing of what somebody else did. */
const FOLLOWS_THE_CHAIN = 'chain_cursors';

/** What tells one content of the database from another: a checksum of each table. */
export async function checksumsOf(database: TestDatabase): Promise<Record<string, string>> {
  const connection = await open(database);
  try {
    const checksums: Record<string, string> = {};
    for (const table of await tablesOf(connection)) {
      if (table === FOLLOWS_THE_CHAIN) continue;
      const [rows] = await connection.query<RowDataPacket[]>(`CHECKSUM TABLE \`${table}\``);
      checksums[table] = String(rows[0]?.['Checksum']);
    }
    return checksums;
  } finally {
    await connection.end();
  }
}
