import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { parsePort } from '../domain/port.ts';
import { anvilSpec } from '../scripts/stack/anvil.ts';
import type { ChildSpec } from '../scripts/stack/child-spec.ts';
import { motoSpec } from '../scripts/stack/moto.ts';
import { pollUntilReady } from '../scripts/stack/wait.ts';

const BLOCK_TIME_SECONDS = 2;

/**
 * `node run-part.ts anvil|moto`: runs a part of the sandbox in a container as `npm start` runs it beside the roles, in the foreground.
 * PART_PORT is its port on every address, PART_HEALTH_PORT answers on this machine alone, once the part can be used. State is kept in
 * PART_STATE_DIR. Ends as the part ends; Docker starts it again.
 */
async function main(): Promise<number> {
  const spec = specOf(process.argv[2]);
  await spec.beforeStart?.();
  const child = spawn(spec.command, spec.args, { env: spec.env(), cwd: spec.cwd, stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
  let isReady = false;
  const health = createServer((_, response) => response.writeHead(isReady ? 200 : 503).end()).listen(portFrom('PART_HEALTH_PORT'), '127.0.0.1');
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
  const giveUp = (): void => {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${spec.name} ended before it was ready`);
  };
  const ready = (async (): Promise<void> => {
    await pollUntilReady(spec.name, spec.probe, { timeoutMs: spec.readyTimeoutMs, giveUp });
    await spec.afterReady?.();
    isReady = true;
  })();
  try {
    await Promise.race([ended, ready]);
    return await ended;
  } catch (error) {
    child.kill('SIGTERM');
    throw error;
  } finally {
    health.close();
  }
}

function specOf(part: string | undefined): ChildSpec {
  const dir = process.env['PART_STATE_DIR'];
  if (!dir) throw new Error('PART_STATE_DIR is not set: give the directory that keeps the state.');
  const options = { dir, host: '0.0.0.0', port: portFrom('PART_PORT') };
  if (part === 'anvil') return anvilSpec({ ...options, blockTimeSeconds: BLOCK_TIME_SECONDS });
  if (part === 'moto') return motoSpec(options);
  throw new Error('say anvil or moto');
}

const portFrom = (name: string): number => parsePort(name, process.env[name] ?? '', 1);

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
