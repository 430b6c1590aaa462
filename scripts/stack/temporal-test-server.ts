import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aptInstall } from './apt.ts';
import { findExecutable, runCommand } from './command.ts';
import { cacheDir } from './paths.ts';

const VERSION = '1.32.1';
const INSTALL_TIMEOUT_MS = 10 * 60_000;
const INSTEAD = 'install Java 17 or later and Maven';

const POM = `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>withdrawal-engine</groupId>
  <artifactId>temporal-test-server</artifactId>
  <version>${VERSION}</version>
  <dependencies>
    <dependency><groupId>io.temporal</groupId><artifactId>temporal-test-server</artifactId><version>${VERSION}</version></dependency>
  </dependencies>
</project>
`;

/** Finds its own folder when it runs, as the folder is renamed once it is whole. */
const LAUNCHER = `#!/bin/sh
exec java -cp "$(dirname "$0")/lib/*" io.temporal.testserver.TestServer "$@"
`;

/**
 * Gets the Temporal server whose clock jumps ahead while every workflow waits: a Java program, with its libraries from Maven, kept in
 * the cache. Only tests use it. Called by several processes at once, each installs aside and the first one stays.
 * @returns the program: takes a port and `--enable-time-skipping`
 */
export async function ensureTestServerInstalled(logFile: string): Promise<string> {
  const target = join(cacheDir(), `temporal-test-server-${VERSION}`);
  const program = join(target, 'temporal-test-server');
  const missing = [...(findExecutable('java') === undefined ? ['default-jre-headless'] : []), ...(findExecutable('mvn') === undefined && !existsSync(program) ? ['maven'] : [])];
  if (missing.length > 0) await aptInstall(missing, INSTEAD, logFile);
  if (existsSync(program)) return program;
  mkdirSync(cacheDir(), { recursive: true });
  const work = mkdtempSync(join(cacheDir(), 'temporal-test-server-'));
  try {
    writeFileSync(join(work, 'pom.xml'), POM);
    writeFileSync(join(work, 'temporal-test-server'), LAUNCHER, { mode: 0o755 });
    const args = ['-q', '-B', '-f', join(work, 'pom.xml'), 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${join(work, 'lib')}`];
    await runCommand('mvn', args, { logFile, timeoutMs: INSTALL_TIMEOUT_MS, advice: "check the network and Maven's settings and try again" });
    if (!existsSync(program)) renameSync(work, target);
    return program;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
