import { describe, expect, it } from 'vitest';
import { withoutSandboxTokens } from './assets.ts';
import { loadSettings, SETTINGS_OF_SANDBOX } from './load-settings.ts';

describe('the settings that come with the project, on a chain of the user\'s own', () => {
  it('keep the native coin and what has an address, and name what is left out', () => {
    const settings = loadSettings(SETTINGS_OF_SANDBOX);
    const { settings: known, leftOut } = withoutSandboxTokens(settings);
    expect([known.assets.map(({ currency }) => currency), leftOut]).toEqual([['POL'], ['USDC', 'USDT']]);
    const placed = { ...settings, assets: settings.assets.map((asset) => ({ ...asset, ...(asset.currency === 'USDC' && { tokenAddress: `0x${'11'.repeat(20)}` }) })) };
    expect(withoutSandboxTokens(placed).leftOut).toEqual(['USDT']);
  });
});
