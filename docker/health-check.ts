/** `node health-check.ts URL`: ends with 0 where the URL answers 2xx within 3 s, else with 1 and one line saying why. */
const TIMEOUT_MS = 3_000;

async function check(url: string | undefined): Promise<void> {
  if (url === undefined) throw new Error('give the URL to ask');
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
}

try {
  await check(process.argv[2]);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
