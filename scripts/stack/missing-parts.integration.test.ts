import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, chmodSync, constants, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { asImageUser } from '../../tests/harness/image-content.ts';
import { findExecutable } from './command.ts';
import { cacheDir, PROJECT_ROOT } from './paths.ts';
import { isSameProcess, identityOf } from './process-identity.ts';

/** Installs what it is asked for, as "npm start" does, and says in one line each what it could not. */
const INSTALL = `
  const { installParts } = await import(process.env.PROJECT + '/scripts/stack/infrastructure.ts');
  const { statePaths } = await import(process.env.PROJECT + '/scripts/stack/paths.ts');
  const progress = { step: (title, action) => action(() => undefined) };
  await installParts(process.env.PARTS.split(','), statePaths(process.env.STATE), progress).then(() => console.log('all there'), (error) => console.log(error.name + ': ' + error.message));
`;

const folder = mkdtempSync(join(tmpdir(), 'missing-parts-'));
chmodSync(folder, 0o755);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let machines = 0;

/** A machine whose PATH holds these programs of ours, and these that only look like the real ones. */
function machine(programs: readonly string[], pretended: Readonly<Record<string, string>> = {}): { PATH: string; STATE: string; XDG_CACHE_HOME: string } {
  machines += 1;
  const [bin, state, cache] = ['bin', 'state', 'cache'].map((name) => join(folder, String(machines), name)) as [string, string, string];
  for (const dir of [bin, state, cache]) mkdirSync(dir, { recursive: true });
  for (const dir of [state, cache]) chmodSync(dir, 0o777);
  for (const program of programs) symlinkSync(findExecutable(program) ?? '', join(bin, program));
  for (const [name, script] of Object.entries(pretended)) writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { PATH: bin, STATE: state, XDG_CACHE_HOME: cache };
}

async function install(parts: string, env: Record<string, string>, node: readonly string[] = [process.execPath]): Promise<string> {
  const [program = process.execPath, ...before] = node;
  const args = [...before, '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', INSTALL];
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd: folder, env: { ...env, HOME: folder, PARTS: parts, PROJECT: PROJECT_ROOT } }, (error, stdout, stderr) => (error ? reject(new Error(stderr, { cause: error })) : resolve(stdout.trim())));
  });
}

/** Whether somebody else may read this checkout, which a test does that runs as nobody in particular. */
function othersMayRead(): boolean {
  for (let dir = PROJECT_ROOT; dir !== '/'; dir = dirname(dir)) if ((statSync(dir).mode & constants.S_IXOTH) === 0) return false;
  return true;
}

describe('a machine that lacks a part', () => {
  it('is used as it is where the part is on its PATH', async () => {
    expect(await install('redis,chain', machine(['redis-server']))).toBe('all there');
  });

  it('is told all that is missing, and what to do instead, where nothing can be installed', async () => {
    const said = await install('redis,aws', machine([]));
    expect(said.split('\n').map((line) => line.replace('UserError: ', ''))).toEqual([
      'redis-server is missing and there is no apt-get here: set REDIS_URL to a Redis of your own.',
      'python3 python3-venv is missing and there is no apt-get here: set AWS_REGION (and AWS_ENDPOINT_URL) to use a Secrets Manager of your own.',
    ]);
  });

  it('is told once what cannot be written to, however many parts need it', async () => {
    const place = machine([]);
    writeFileSync(join(place.STATE, 'file'), '');
    const said = await install('temporal,temporalUi,aws', { ...place, XDG_CACHE_HOME: join(place.STATE, 'file') });
    expect(said).toMatch(/^UserError: \S+\/file\/withdrawal-engine cannot be written to \(ENOTDIR.*\): set XDG_CACHE_HOME to a directory of your own\.$/);
  });

  it('has what apt-get installs, where that is allowed', async () => {
    const place = machine(['sh', 'env', 'cp', 'chmod'], { 'sudo': 'shift; exec "$@"' });
    writeFileSync(join(place.PATH, 'apt-get'), `#!/bin/sh\n[ "$1" = install ] && cp "$0" ${place.PATH}/redis-server\nexit 0\n`, { mode: 0o755 });
    expect(await install('redis', place)).toBe('all there');
    expect(() => accessSync(join(place.PATH, 'redis-server'), constants.X_OK)).not.toThrow();
  });

  it('is left without an install that goes on, where "npm start -- --detach" is ended in the middle of one', async () => {
    const place = machine(['sh', 'env', 'sleep'], { 'sudo': 'shift; exec "$@"' });
    const pidFile = join(place.STATE, 'pid');
    writeFileSync(join(place.PATH, 'apt-get'), `#!/bin/sh\necho $$ > ${pidFile}.new && exec ${findExecutable('mv') ?? ''} ${pidFile}.new ${pidFile} & exec sleep 300\n`, { mode: 0o755 });
    const start = spawn(process.execPath, [join(PROJECT_ROOT, 'scripts', 'start.ts'), '--detach'], { env: { PATH: place.PATH, HOME: folder, XDG_CACHE_HOME: dirname(cacheDir()), SANDBOX_DIR: place.STATE }, stdio: 'ignore' });
    await expect.poll(() => existsSync(pidFile), { timeout: 20_000 }).toBe(true);
    const running = identityOf(Number(readFileSync(pidFile, 'utf8')));
    if (!running) throw new Error('the install has ended by itself');
    start.kill('SIGTERM');
    expect(await once(start, 'exit')).toEqual([130, null]);
    await expect.poll(() => isSameProcess(running), { timeout: 5_000 }).toBe(false);
  });

  const other = asImageUser(folder);
  const canBeOther = other.length > 1 && othersMayRead();

  it.runIf(canBeOther || process.getuid?.() !== 0)('is told the command for its administrator, where its user may install nothing', async () => {
    const said = await install('redis', machine(['sh'], { 'apt-get': 'exit 100' }), other);
    expect(said).toBe('UserError: redis-server is missing: run "apt-get install redis-server" as root, or set REDIS_URL to a Redis of your own.');
  });

  it.runIf(canBeOther || process.getuid?.() !== 0)('asks for no password: where sudo wants one, the command is told', async () => {
    const said = await install('redis', machine(['sh', 'env'], { 'apt-get': 'exit 0', 'sudo': 'echo a password is required >&2; exit 1' }), other);
    expect(said).toContain('run "apt-get install redis-server" as root yourself, or set REDIS_URL to a Redis of your own');
  });
});
