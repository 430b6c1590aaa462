import { openDatabase } from '../../db/client.ts';
import { ensureFirstRules } from '../../db/repositories/policy/first-rules.ts';
import { migrateUp } from '../../db/migrate.ts';
import type { Settings } from '../../domain/settings.ts';
import { temporalPlaceFrom } from '../../temporal-config/connection.ts';
import { setUpTemporal } from '../../temporal-config/set-up.ts';
import { keyFrom } from '../../workers/config.ts';
import { statePaths } from '../stack/paths.ts';
import { ensureAccounts } from './accounts.ts';
import { ensureAssets, withoutSandboxTokens } from './assets.ts';
import { readCredentials, writeCredentials } from './credentials.ts';
import { fundWallets } from './funding.ts';
import { loadSettings, SETTINGS_OF_SANDBOX } from './load-settings.ts';
import { deployTokens } from './tokens.ts';
import { ensureWallets } from './wallets.ts';

/** What the provisioning process is sent when it starts. Keys and the secret store's credentials come by environment. */
export interface ProvisionInput {
  readonly stateDir: string;
  readonly settingsFile: string;
  readonly chainId: number;
  /** Whether the chain is the embedded one, where tokens are deployed and wallets funded. */
  readonly embeddedChain: boolean;
  readonly baseUrl: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly temporalRetentionDays: number;
  readonly rpcUrl: string;
}

export type ProvisionMessage =
  | { readonly type: 'begin'; readonly title: string }
  | { readonly type: 'end'; readonly title: string }
  | { readonly type: 'failed'; readonly reason: string };

const HOT_WALLETS = 2;

/**
 * Makes database, Temporal, chain and accounts ready for the roles. Each step looks first at what is there, so that
 * running it again, or after it was killed in the middle, completes what is missing and repeats nothing.
 */
export async function provision(input: ProvisionInput, step: <Result>(title: string, action: () => Promise<Result>) => Promise<Result>): Promise<void> {
  const paths = statePaths(input.stateDir);
  const settings = loadSettings(input.settingsFile);
  if (settings.chain.chainId !== input.chainId) throw new Error(`POLYGON_CHAIN_ID is ${input.chainId}, but ${input.settingsFile} is for chain ${settings.chain.chainId}.`);
  await step('Database migrated', async () => await migrateUp(input.databaseUrl));
  const place = temporalPlaceFrom({ ...process.env, TEMPORAL_ADDRESS: input.temporalAddress, TEMPORAL_NAMESPACE: input.temporalNamespace });
  await step('Temporal namespace and search attributes registered', async () => await setUpTemporal(place, input.temporalRetentionDays));
  const tokens = input.embeddedChain ? await step('Test tokens deployed', async () => await deployTokens(input.rpcUrl, input.chainId, paths.chainFile)) : undefined;
  const database = openDatabase(input.databaseUrl, { connectionsMax: 2 });
  try {
    const registered = assetsIn(input, settings);
    const assets = await step(registered.title, async () => await ensureAssets(database.db, registered.settings, tokens));
    await ensureFirstRules(database.db, keyFrom(process.env, 'SEAL_KEY'), { policy: settings.policy, network: settings.chain.network });
    const wallets = await step('Hot wallets created', async () => await ensureWallets(database.db, input.chainId, HOT_WALLETS));
    if (tokens !== undefined) await step('Hot wallets funded', async () => await fundWallets(input.rpcUrl, input.chainId, paths.chainFile, tokens, wallets));
    const accounts = await step('Accounts created', async () => await ensureAccounts(database.db, readCredentials(paths.credentialsFile)));
    writeCredentials(paths.credentialsFile, {
      baseUrl: input.baseUrl,
      ...accounts,
      rpcUrl: input.rpcUrl,
      temporalAddress: input.temporalAddress,
      databaseUrl: input.databaseUrl,
      redisUrl: input.redisUrl,
      wallets,
      assets,
    });
  } finally {
    await database.close();
  }
}

/** What is written into the registry. The settings that come with the project know the embedded chain's tokens by name only. */
function assetsIn(input: ProvisionInput, settings: Settings): { settings: Settings; title: string } {
  if (input.embeddedChain || input.settingsFile !== SETTINGS_OF_SANDBOX) return { settings, title: 'Assets registered' };
  const { settings: known, leftOut } = withoutSandboxTokens(settings);
  return { settings: known, title: leftOut.length === 0 ? 'Assets registered' : `Assets registered without ${leftOut.join(' and ')}, as a SETTINGS_FILE of your own gives a tokenAddress on this chain` };
}
