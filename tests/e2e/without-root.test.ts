import { execFile } from 'node:child_process';
import { chmodSync, constants, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { freePorts, installParts, PARTS, startInfrastructure } from '../../scripts/stack/infrastructure.ts';
import { cacheDir, PROJECT_ROOT, statePaths } from '../../scripts/stack/paths.ts';
import { ensureSecrets } from '../../scripts/stack/secrets.ts';
import { asImageUser } from '../harness/image-content.ts';
import { sandboxEnvironment } from '../harness/sandbox.ts';

/** Somebody who is neither root nor the owner of this checkout, and whom the system knows by a number only. */
const USER = 10_001;

/** Whether that one may read the checkout at all. */
function othersMayRead(): boolean {
  for (let dir = PROJECT_ROOT; dir !== '/'; dir = dirname(dir)) if ((statSync(dir).mode & constants.S_IXOTH) === 0) return false;
  return existsSync(join(PROJECT_ROOT, 'node_modules'));
}

/** "npm start" by a user without rights, with programs that are there already. What is checked as root holds for this user as well. */
describe.runIf(process.getuid?.() === 0 && asImageUserIsPossible() && othersMayRead())('a user without rights', () => {
  const dir = mkdtempSync(join(tmpdir(), 'without-root-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('runs it all, and installs nothing', async () => {
    chmodSync(dir, 0o755);
    const progress = { step: async <Result>(_: string, action: (note: (text: string) => void) => Promise<Result>): Promise<Result> => await action(() => undefined) };
    await installParts(PARTS, statePaths(join(dir, 'install')), progress);
    // Root's own cache is closed to others; the programs in it are these.
    const home = join(dir, 'home');
    for (const program of readdirSync(cacheDir()).filter((name) => /^temporal(-ui)?-\d/.test(name))) cpSync(join(cacheDir(), program), join(home, '.cache', 'withdrawal-engine', program), { recursive: true });
    const state = join(dir, 'state');
    mkdirSync(state);
    for (const own of [home, state]) await run('chown', ['-R', `${USER}:${USER}`, own]);
    // moto's Python lies in that cache too, so the secret store is somebody else's.
    const aws = await startInfrastructure({ stateDir: join(dir, 'aws'), ports: await freePorts(), parts: ['aws'] });
    const secrets = ensureSecrets(join(dir, 'aws-secrets'));
    const env = {
      ...(await sandboxEnvironment(state)),
      HOME: home,
      PATH: `${join(dir, 'bin')}:/usr/local/bin:/usr/bin:/bin`,
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL: aws.urls.awsEndpointUrl ?? '',
      AWS_ACCESS_KEY_ID: secrets.awsAccessKeyId,
      AWS_SECRET_ACCESS_KEY: secrets.awsSecretAccessKey,
    };
    const [program = '', ...as] = asImageUser(dir);
    const command = async (script: string, ...args: string[]): Promise<string> => await run(program, [...as, join(PROJECT_ROOT, 'scripts', script), ...args], env);
    try {
      expect(await command('start.ts', '--detach')).toContain('not started as root');
      expect(readFileSync(join(state, 'logs', 'install.log'), { encoding: 'utf8', flag: 'a+' })).toBe('');
      expect(await command('demo.ts', '--withdrawals', '3', '--clients', '1')).toContain('3 of 3, each posted twice and paid once');
    } finally {
      await command('stop.ts');
      await aws.stop();
    }
  });
});

function asImageUserIsPossible(): boolean {
  const probe = mkdtempSync(join(tmpdir(), 'image-user-'));
  try {
    return asImageUser(probe).length > 1;
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}

async function run(program: string, args: readonly string[], env: Record<string, string> = { PATH: process.env['PATH'] ?? '' }): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd: PROJECT_ROOT, env }, (error, stdout, stderr) => (error ? reject(new Error(`${stdout}${stderr}`, { cause: error })) : resolve(stdout + stderr)));
  });
}
