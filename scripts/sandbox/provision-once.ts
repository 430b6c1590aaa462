import { retentionDaysFrom } from '../../temporal-config/retention.ts';
import { required } from '../../workers/config.ts';
import { deepestLine } from '../command-line/user-error.ts';
import { provision, type ProvisionInput } from './provision.ts';

/**
 * Provisioning without a supervisor: what `npm start` sends its provisioning process comes by environment here, where each part runs in
 * a container of its own. Ends with 0 once everything is there; run again, it completes what is missing.
 */
function inputFrom(env: NodeJS.ProcessEnv): ProvisionInput {
  const chain = required(env, 'SANDBOX_CHAIN');
  if (chain !== 'embedded' && chain !== 'external') throw new Error('SANDBOX_CHAIN must be embedded (tokens are deployed, wallets funded) or external.');
  const chainId = Number(required(env, 'POLYGON_CHAIN_ID'));
  if (!Number.isInteger(chainId) || chainId < 1) throw new Error('POLYGON_CHAIN_ID must be a whole number.');
  return {
    stateDir: required(env, 'SANDBOX_DIR'),
    settingsFile: required(env, 'SETTINGS_FILE'),
    chainId,
    embeddedChain: chain === 'embedded',
    baseUrl: required(env, 'BASE_URL'),
    databaseUrl: required(env, 'DATABASE_URL'),
    redisUrl: required(env, 'REDIS_URL'),
    temporalAddress: required(env, 'TEMPORAL_ADDRESS'),
    temporalNamespace: required(env, 'TEMPORAL_NAMESPACE'),
    temporalRetentionDays: retentionDaysFrom(env),
    rpcUrl: required(env, 'POLYGON_RPC_URL'),
  };
}

try {
  await provision(inputFrom(process.env), async (title, action) => {
    const result = await action();
    console.log(title);
    return result;
  });
} catch (error) {
  console.error(`The sandbox could not be set up: ${deepestLine(error)}`);
  process.exitCode = 1;
}
