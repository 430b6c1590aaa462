import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { AwsSecretStoreOptions } from './aws-secret-store.ts';

const START_TIMEOUT_MS = 60_000;

export interface TestSecretsManager {
  readonly port: number;
  readonly url: string;
  readonly options: Required<AwsSecretStoreOptions>;
  stop(): Promise<void>;
}

/** The environment a child process needs to reach it. */
export const awsEnvironment = ({ options }: TestSecretsManager): Record<string, string> => ({
  AWS_REGION: options.region,
  AWS_ENDPOINT_URL: options.endpoint,
  AWS_ACCESS_KEY_ID: options.credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: options.credentials.secretAccessKey,
});

/** Starts a moto server with nothing in it, on the given port or one the system picks. For tests only. */
export async function startTestSecretsManager(port = 0): Promise<TestSecretsManager> {
  const child = spawn(findMoto(), ['-H', '127.0.0.1', '-p', String(port)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const url = await new Promise<string>((resolve, reject) => {
    let printed = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`moto did not start: ${printed}`));
    }, START_TIMEOUT_MS);
    const listen = (chunk: Buffer) => {
      printed += chunk.toString('utf8');
      const address = /Running on (http:\S+)/.exec(printed)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
      printed = '';
    };
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`moto ended with ${code}: ${printed}`)));
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
  });
  return {
    port: Number(new URL(url).port),
    url,
    options: { region: 'us-east-1', endpoint: url, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** On PATH, else where the project's own set-up keeps it. */
function findMoto(): string {
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'withdrawal-engine');
  const environments = existsSync(cache) ? readdirSync(cache).filter((name) => name.startsWith('moto-')) : [];
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...environments.map((name) => join(cache, name, 'bin'))];
  const found = folders.map((folder) => join(folder, 'moto_server')).find((file) => existsSync(file));
  if (found === undefined) throw new Error("moto_server not found: pip install 'moto[server,secretsmanager]'");
  return found;
}
