import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { aptInstall } from './apt.ts';
import { minimalEnv, type ChildSpec } from './child-spec.ts';
import { findExecutable, runCommand } from './command.ts';
import { UserError } from '../command-line/user-error.ts';

const SYSTEM_DIRS = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin', '/usr/local/mysql/bin'];
const SQL_MODE = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';
const DATABASE_NAME = 'withdrawals';
const DATABASE_USER = 'withdrawals';

export interface MariadbOptions {
  /** Holds the data, the socket and the first statements; the server's alone. */
  readonly dir: string;
  readonly port: number;
  /** The application user's, set at every start. Letters and digits only. */
  readonly password: string;
  readonly logFile: string;
}

interface Server {
  readonly binary: string;
  readonly kind: 'mariadb' | 'mysql';
}

function findServer(): Server | undefined {
  for (const name of ['mariadbd', 'mysqld']) {
    const binary = findExecutable(name, SYSTEM_DIRS);
    if (binary === undefined) continue;
    const version = spawnSync(binary, ['--no-defaults', '--version'], { encoding: 'utf8' }).stdout ?? '';
    return { binary, kind: /mariadb/i.test(version) ? 'mariadb' : 'mysql' };
  }
  return undefined;
}

/** Installs a MariaDB server where there is none. */
export async function ensureMariadbInstalled(logFile: string): Promise<void> {
  if (findServer() !== undefined) return;
  await aptInstall(['mariadb-server'], 'set DATABASE_URL to a MySQL or MariaDB of your own', logFile);
  if (findServer() === undefined) throw new UserError('mariadb-server was installed, but no mariadbd is on the PATH or in /usr/sbin: set DATABASE_URL instead.');
}

export function mariadbUrl(options: Pick<MariadbOptions, 'port' | 'password'>): string {
  return `mysql://${DATABASE_USER}:${options.password}@127.0.0.1:${options.port}/${DATABASE_NAME}`;
}

const temporaryDir = ({ dir }: Pick<MariadbOptions, 'dir'>): string => join(dir, 'tmp');

/** A server that starts removes every temporary table it finds there, also another server's: each has a directory of its own. */
function temporaryDirOption(options: Pick<MariadbOptions, 'dir'>): string {
  return `--tmpdir=${temporaryDir(options)}`;
}

async function createDataDir(server: Server, options: MariadbOptions, dataDir: string): Promise<void> {
  // A half-made data directory (killed in the middle) is made anew: it holds nothing yet.
  const complete = join(options.dir, 'initialized');
  if (existsSync(complete)) return;
  rmSync(dataDir, { recursive: true, force: true });
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const ownTemporary = temporaryDirOption(options);
  const asRoot = process.getuid?.() === 0 ? ['--user=root'] : [];
  const advice = `see ${options.logFile}, or set DATABASE_URL to a database of your own`;
  if (server.kind === 'mariadb') {
    const installer = findExecutable('mariadb-install-db', SYSTEM_DIRS) ?? findExecutable('mysql_install_db', SYSTEM_DIRS);
    if (installer === undefined) throw new UserError('mariadb-install-db is missing beside mariadbd: reinstall mariadb-server, or set DATABASE_URL.');
    await runCommand(installer, ['--no-defaults', `--datadir=${dataDir}`, ownTemporary, '--skip-test-db', ...asRoot], { logFile: options.logFile, timeoutMs: 120_000, advice });
  } else {
    await runCommand(server.binary, ['--no-defaults', '--initialize-insecure', `--datadir=${dataDir}`, ownTemporary, ...asRoot], { logFile: options.logFile, timeoutMs: 120_000, advice });
  }
  writeFileSync(complete, '');
}

/** A database server with data of its own; 127.0.0.1 only. Another start on the same directory finds the same data. */
export function mariadbSpec(options: MariadbOptions): ChildSpec {
  const server = findServer();
  if (server === undefined) throw new UserError('No MariaDB or MySQL server is installed: set DATABASE_URL, or install mariadb-server.');
  const dataDir = join(options.dir, 'data');
  const initFile = join(options.dir, 'init.sql');
  const asRoot = process.getuid?.() === 0 ? ['--user=root'] : [];
  return {
    name: 'mariadb',
    command: server.binary,
    args: [
      // First by the server's own rule: nothing of a system-wide my.cnf may reach this server.
      '--no-defaults',
      `--datadir=${dataDir}`,
      temporaryDirOption(options),
      `--socket=${join(options.dir, 'mysql.sock')}`,
      `--pid-file=${join(options.dir, 'mysqld.pid')}`,
      `--port=${options.port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      `--init-file=${initFile}`,
      '--character-set-server=utf8mb4',
      '--collation-server=utf8mb4_unicode_ci',
      // Each commit is on disk before it is answered: what was promised survives a power cut.
      '--innodb-flush-log-at-trx-commit=1',
      '--transaction-isolation=READ-COMMITTED',
      '--innodb-buffer-pool-size=256M',
      '--max-connections=500',
      // MySQL 8's own default: MariaDB lets more through, and a query that only it takes would be found on the first day with MySQL.
      `--sql-mode=${SQL_MODE}`,
      ...(server.kind === 'mysql' ? ['--skip-log-bin', '--mysqlx=OFF'] : []),
      ...asRoot,
    ],
    env: minimalEnv,
    cwd: options.dir,
    readyTimeoutMs: 60_000,
    // InnoDB writes its pages back at a clean stop.
    stopTimeoutMs: 30_000,
    exitsBeforeReadyMax: 1,
    beforeStart: async () => {
      mkdirSync(temporaryDir(options), { recursive: true, mode: 0o700 });
      await createDataDir(server, options, dataDir);
      writeFileSync(initFile, initStatements(server, options.password), { mode: 0o600 });
    },
    probe: async () => {
      const connection = await createConnection({ uri: mariadbUrl(options), connectTimeout: 2_000 });
      try {
        await connection.query('SELECT 1');
        await connection.end();
      } finally {
        connection.destroy();
      }
    },
  };
}

// One statement a line, as --init-file wants it. The second grant lets tests make databases of their own.
function initStatements(server: Server, password: string): string {
  if (!/^[A-Za-z0-9]+$/.test(password)) throw new Error('the database password may hold letters and digits only');
  const user = `'${DATABASE_USER}'@'127.0.0.1'`;
  const lines = [
    `CREATE DATABASE IF NOT EXISTS \`${DATABASE_NAME}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;`,
    `CREATE USER IF NOT EXISTS ${user} IDENTIFIED BY '${password}';`,
    `ALTER USER ${user} IDENTIFIED BY '${password}';`,
    `GRANT ALL PRIVILEGES ON \`${DATABASE_NAME}\`.* TO ${user};`,
    `GRANT ALL PRIVILEGES ON \`${DATABASE_NAME}\\_%\`.* TO ${user};`,
  ];
  // MySQL was initialised without a password for root; MariaDB's root is bound to the system user.
  if (server.kind === 'mysql') lines.push(`ALTER USER 'root'@'localhost' IDENTIFIED BY '${password}';`);
  return `${lines.join('\n')}\n`;
}
