import { parseArgs } from 'node:util';
import { runDemo } from './demo/run.ts';
import { readCredentials } from './sandbox/credentials.ts';
import { defaultStatePaths } from './stack/paths.ts';

const HELP = `Usage: npm run demo [-- --withdrawals N] [--clients N] [--timeout SECONDS]

Posts withdrawals of every enabled asset to the running sandbox by several clients at once, each twice with the same
Idempotency-Key, waits until all are final, and compares the recipients' balances on chain to the last unit. Requests are
signed with an API key that it makes for itself and revokes at the end.

  --withdrawals N    how many (default 50)
  --clients N        how many at once (default 10)
  --timeout SECONDS  how long they may take in all (default 180)

Exits 0 when every balance is exact, 1 otherwise.`;

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a whole number above 0, not "${text}".`);
  return value;
}

try {
  const { values } = parseArgs({
    options: {
      withdrawals: { type: 'string', default: '50' },
      clients: { type: 'string', default: '10' },
      timeout: { type: 'string', default: '180' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) console.log(HELP);
  else {
    const credentials = readCredentials(defaultStatePaths().credentialsFile);
    if (!credentials) throw new Error('There is no sandbox here yet: run npm start -- --detach first.');
    const problems = await runDemo(credentials, {
      withdrawals: positive('withdrawals', values.withdrawals),
      clients: positive('clients', values.clients),
      timeoutMs: positive('timeout', values.timeout) * 1_000,
    });
    process.exitCode = problems === 0 ? 0 : 1;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
