import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NETWORKS } from './networks.ts';
import { parseAmount } from './money.ts';
import { parseSettings } from './settings.ts';

const sandbox = readFileSync(new URL('../docker/settings/sandbox.json', import.meta.url), 'utf8');

type Path = readonly (string | number)[];

/** The sandbox's settings with one field replaced; `undefined` removes it. */
function withField(path: Path, value: unknown): string {
  const settings = JSON.parse(sandbox) as unknown;
  const last = path.at(-1) ?? '';
  const parent = path.slice(0, -1).reduce((node, key) => (node as Record<string | number, unknown>)[key], settings) as Record<string | number, unknown>;
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return JSON.stringify(settings);
}

function refusal(text: string): string {
  try {
    parseSettings(text, 'settings.json');
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

/** Every place in the file, depth first. */
function pathsOf(node: unknown, at: Path = []): Path[] {
  if (typeof node !== 'object' || node === null) return [at];
  return [...(at.length === 0 ? [] : [at]), ...Object.entries(node).flatMap(([key, value]) => pathsOf(value, [...at, Array.isArray(node) ? Number(key) : key]))];
}

// What is inside a rule is judged in policy.test.ts.
const PATHS = pathsOf(JSON.parse(sandbox)).filter((path) => path[0] !== 'policy' || path.length === 1);

describe("the sandbox's settings", () => {
  const settings = parseSettings(sandbox, 'sandbox.json');

  it('hold together: chain id of the network, tip below ceiling, amounts within the decimals', () => {
    expect(settings.chain.chainId).toBe(NETWORKS[settings.chain.network].chainId);
    expect(BigInt(settings.chain.minimumTipWei)).toBeLessThan(BigInt(settings.chain.maximumFeePerGasWei));
    for (const { minAmount, maxAmount, decimals } of settings.assets) expect(parseAmount(minAmount, decimals)).toBeLessThan(parseAmount(maxAmount, decimals));
  });

  it('are as generous as documented', () => {
    expect(settings.chain.inFlightWindow).toBe(64);
    expect(settings.rateLimits).toEqual({ requestsPerSecond: 600, keyRequestsPerSecond: 600, signInPerMinute: 120, routes: {} });
    expect(settings.assets.map(({ currency, minAmount }) => [currency, minAmount])).toEqual([['USDC', '0.01'], ['USDT', '0.01'], ['POL', '0.01']]);
  });
});

describe('parseSettings', () => {
  it.each(PATHS.map((path) => [path.join('.'), path] as const))('names %s when it is of the wrong kind, in one line', (_name, path) => {
    const message = refusal(withField(path, null));
    expect(message).toMatch(new RegExp(`^settings\\.json: /${path.join('/')} \\S.*\\.$`));
  });

  it('asks for a second factor unless the file says otherwise', () => {
    const required = (text: string) => parseSettings(text, 'settings.json').accounts.secondFactorRequired;
    expect(required(withField(['accounts', 'secondFactorRequired'], undefined))).toBe(true);
    expect(required(withField(['accounts', 'secondFactorRequired'], false))).toBe(false);
  });

  const fields = PATHS.filter((path) => typeof path.at(-1) === 'string' && path.at(-1) !== 'secondFactorRequired');
  it.each(fields.map((path) => [path.join('.'), path] as const))('names %s when it is missing, in one line', (_name, path) => {
    const message = refusal(withField(path, undefined));
    expect(message).toMatch(/^settings\.json: \/.*\.$/);
    expect(message).toContain(String(path.at(-1)));
  });

  it.each([
    [['chain', 'network'], 'ethereum'],
    [['chain', 'chainId'], 0],
    [['chain', 'chainId'], 1.5],
    [['chain', 'blockTimeMs'], 99],
    [['chain', 'finality', 'mode'], 'latest'],
    [['chain', 'finality', 'depth'], 0],
    [['chain', 'minimumTipWei'], '1e9'],
    [['chain', 'minimumTipWei'], '-1'],
    [['chain', 'maximumFeePerGasWei'], '9'.repeat(31)],
    [['chain', 'gasLimitMarginPercent'], 301],
    [['chain', 'gasLimitMarginPercent'], -1],
    [['chain', 'inFlightWindow'], 0],
    [['chain', 'inFlightWindow'], 1_001],
    [['chain', 'stuckAfterBlocks'], 0],
    [['assets'], []],
    [['assets', 0, 'currency'], 'usdc'],
    [['assets', 0, 'decimals'], 37],
    [['assets', 0, 'decimals'], -1],
    [['assets', 1, 'minAmount'], '1e-2'],
    [['assets', 1, 'minAmount'], '0.01\n'],
    [['assets', 1, 'maxAmount'], ' 1'],
    [['assets', 2, 'tokenAddress'], '0x1234'],
    [['fundsWaitMs'], -1],
    [['rateLimits', 'requestsPerSecond'], 0],
    [['rateLimits', 'keyRequestsPerSecond'], 0],
    [['rateLimits', 'signInPerMinute'], 0.5],
    [['rateLimits', 'routes', 'route'], 0],
    [['api', 'corsOrigins', 0], '*'],
    [['api', 'corsOrigins', 0], 'https://example.com/'],
    [['api', 'corsOrigins', 0], 'https://*.example.com'],
    [['api', 'corsOrigins', 0], 'null'],
    [['api', 'trustedProxies', 0], 1],
    [['api', 'trustedProxies', 0], 'load-balancer'],
    [['api', 'trustedProxies', 0], '0.0.0.0/0'],
    [['chain', 'finalityDepth'], 64],
    [['assets', 0, 'tokenAddres'], `0x${'1'.repeat(40)}`],
    [['approvals'], 2],
  ] as [Path, unknown][])('names %j when it is %j', (path, value) => {
    const message = refusal(withField(path, value));
    expect(message.split('\n')).toHaveLength(1);
    expect(message.startsWith(`settings.json: /${path.join('/')} `)).toBe(true);
  });

  it.each(['', '{', 'null', '[]', '"text"', '1'])('refuses %j in one line', (text) => {
    const message = refusal(text);
    expect(message).toMatch(/^settings\.json[ :]/);
    expect(message.split('\n')).toHaveLength(1);
  });

  it('keeps why the file is not JSON', () => {
    expect(() => parseSettings('{', 'settings.json')).toThrow(expect.objectContaining({ cause: expect.any(SyntaxError) as unknown }) as Error);
  });
});
