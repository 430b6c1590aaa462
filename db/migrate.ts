import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise';
import { Umzug, type MigrationParams, type UmzugStorage } from 'umzug';

const MIGRATIONS_FOLDER = new URL('./migrations/', import.meta.url);
const LOCK_NAME = 'withdrawal-engine-migrations';
const LOCK_WAIT_SECONDS = 60;
/**
 * ER_DUP_FIELDNAME, ER_DUP_KEYNAME, ER_CANT_DROP_FIELD_OR_KEY, and MySQL's ER_CHECK_CONSTRAINT_DUP_NAME and
 * ER_CONSTRAINT_NOT_FOUND: an ALTER that was run before its record was written.
 */
const DONE_BEFORE = new Set([1060, 1061, 1091, 3822, 3940]);

const isDoneBefore = (error: unknown): boolean => error instanceof Error && 'errno' in error && DONE_BEFORE.has(Number(error.errno));

/** Applied migrations, kept in the database they changed. */
function storageIn(connection: Connection): UmzugStorage {
  return {
    async logMigration({ name }: MigrationParams<unknown>) {
      await connection.query('INSERT INTO schema_migrations (name, applied_at) VALUES (?, UTC_TIMESTAMP(3))', [name]);
    },
    async unlogMigration({ name }: MigrationParams<unknown>) {
      await connection.query('DELETE FROM schema_migrations WHERE name = ?', [name]);
    },
    async executed() {
      await connection.query('CREATE TABLE IF NOT EXISTS schema_migrations (name varchar(128) NOT NULL PRIMARY KEY, applied_at datetime(3) NOT NULL)');
      const [rows] = await connection.query<RowDataPacket[]>('SELECT name FROM schema_migrations ORDER BY name');
      return rows.map((row) => String(row['name']));
    },
  };
}

async function migrationsFor(connection: Connection) {
  const files = await readdir(MIGRATIONS_FOLDER);
  const run = async (name: string, direction: 'up' | 'down') => {
    const statement = await readFile(new URL(`${name}.${direction}.sql`, MIGRATIONS_FOLDER), 'utf8');
    await connection.query(statement).catch((error: unknown) => {
      if (!isDoneBefore(error)) throw error;
    });
  };
  return files
    .filter((file) => file.endsWith('.up.sql'))
    .map((file) => file.slice(0, -'.up.sql'.length))
    .toSorted()
    .map((name) => ({ name, up: () => run(name, 'up'), down: () => run(name, 'down') }));
}

/**
 * A database with tables but without our record of migrations is somebody else's, and `IF NOT EXISTS` would take its tables for ours. Other
 * tools name their record `schema_migrations` too, so its columns decide.
 */
async function refuseForeign(connection: Connection): Promise<void> {
  const [rows] = await connection.query<RowDataPacket[]>(
    "SELECT table_name AS name, SUM(table_name = 'schema_migrations' AND column_name IN ('name', 'applied_at')) AS ours FROM information_schema.columns WHERE table_schema = DATABASE() GROUP BY table_name ORDER BY table_name",
  );
  if (rows.length === 0 || rows.some((row) => Number(row['ours']) === 2)) return;
  const [first, ...more] = rows.map((row) => String(row['name']));
  throw new Error(`the database holds tables of something else (${first}${more.length > 0 ? ` and ${more.length} more` : ''}): give an empty one`);
}

/**
 * Runs `work` while holding the server-wide migration lock: two starts at once migrate one after the other. MySQL
 * commits each DDL statement by itself, so one migration is one statement and a crash leaves whole migrations only. Its
 * record is written afterwards, so a statement must bear being run again: `IF NOT EXISTS`, `IF EXISTS`, or one ALTER whose
 * whole effect is refused as there already. Refuses a database of something else.
 */
async function underLock<T>(databaseUrl: string, work: (umzug: Umzug) => Promise<T>): Promise<T> {
  const connection = await mysql.createConnection({ uri: databaseUrl, timezone: 'Z' });
  try {
    const [rows] = await connection.query<RowDataPacket[]>('SELECT GET_LOCK(?, ?) AS held', [LOCK_NAME, LOCK_WAIT_SECONDS]);
    if (rows[0]?.['held'] !== 1) throw new Error(`another migration has been running for over ${LOCK_WAIT_SECONDS} s: wait for it, then try again`);
    await refuseForeign(connection);
    return await work(new Umzug({ migrations: await migrationsFor(connection), storage: storageIn(connection), logger: undefined }));
  } finally {
    await connection.end();
  }
}

/** Brings the schema up to date. Called twice, the second call finds nothing to do. Returns the names it applied. */
export async function migrateUp(databaseUrl: string): Promise<string[]> {
  return underLock(databaseUrl, async (umzug) => (await umzug.up()).map(({ name }) => name));
}

/** Takes back the newest `steps` migrations, or all of them. Data in dropped tables is gone. Returns the names it took back. */
export async function migrateDown(databaseUrl: string, steps: number | 'all'): Promise<string[]> {
  return underLock(databaseUrl, async (umzug) => (await umzug.down(steps === 'all' ? { to: 0 } : { step: steps })).map(({ name }) => name));
}

/** Names of applied and waiting migrations. */
export async function migrationStatus(databaseUrl: string): Promise<{ applied: string[]; pending: string[] }> {
  return underLock(databaseUrl, async (umzug) => ({
    applied: (await umzug.executed()).map(({ name }) => name),
    pending: (await umzug.pending()).map(({ name }) => name),
  }));
}

const HELP = `Usage: npm run db:migrate -- [up | down | status] [--steps N | --all]

  up       apply what is missing (default)
  down     take back the newest migration, or N, or all: the tables' data is lost
  status   list applied and pending migrations

The database is read from DATABASE_URL.`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { steps: { type: 'string', default: '1' }, all: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const databaseUrl = process.env['DATABASE_URL'];
  if (!databaseUrl) {
    console.error('DATABASE_URL is not set: give the database to migrate, as mysql://user:password@host:port/name.');
    return 2;
  }
  const command = positionals[0] ?? 'up';
  const steps = Number(values.steps);
  if (!Number.isInteger(steps) || steps < 1 || !['up', 'down', 'status'].includes(command)) {
    console.error(HELP);
    return 2;
  }
  if (command === 'status') {
    const { applied, pending } = await migrationStatus(databaseUrl);
    console.log([...applied.map((name) => `applied  ${name}`), ...pending.map((name) => `pending  ${name}`)].join('\n'));
    return 0;
  }
  const names = command === 'up' ? await migrateUp(databaseUrl) : await migrateDown(databaseUrl, values.all ? 'all' : steps);
  console.log(names.length === 0 ? 'Nothing to do.' : names.map((name) => `${command === 'up' ? 'applied' : 'taken back'}  ${name}`).join('\n'));
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(`Migration failed: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
