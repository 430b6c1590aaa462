import type { Policy } from '../../domain/policy.ts';
import type { Settings } from '../../domain/settings.ts';

/** For tests that are about something else. */
export const OPEN_POLICY: Policy = { rules: [{ id: 'everything-passes', when: {}, action: { allow: true } }] };

/** Settings under which a withdrawal of any size passes, to be stopped by something else. */
export function withoutLimits(settings: Settings): Settings {
  return { ...settings, policy: OPEN_POLICY, assets: settings.assets.map((asset) => ({ ...asset, maxAmount: '100000000' })) };
}
