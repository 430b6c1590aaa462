import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../scripts/stack/paths.ts';

/** How a command ended, and what it printed. */
export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/**
 * Runs one of the project's commands as a process, with these variables and no others of ours.
 * @param script below `scripts/`
 * @param cwd where it runs; here unless told otherwise
 */
export function runScript(script: string, args: readonly string[], variables: Record<string, string | undefined> = {}, input = '', cwd?: string): Promise<Ended> {
  const child = spawn(process.execPath, [join(PROJECT_ROOT, 'scripts', script), ...args], { cwd, env: { PATH: process.env['PATH'] ?? '', ...variables }, stdio: 'pipe' });
  return new Promise((resolve, reject) => {
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')));
    // A command that ends without reading what it was given.
    child.stdin.on('error', () => undefined);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
    child.stdin.end(input);
  });
}
