import { commaList } from '../../domain/comma-list.ts';
import { needCredentials } from '../sandbox/need-credentials.ts';
import { UsageError } from '../command-line/exit-codes.ts';

/** Where the wallets command works. */
export interface WalletsConfig {
  readonly chainId: number;
  readonly databaseUrl: string;
  readonly rpcUrls: readonly string[];
}

const VARIABLES = ['DATABASE_URL', 'POLYGON_RPC_URL', 'POLYGON_CHAIN_ID'] as const;

/**
 * Either the environment says everything, or nothing and the sandbox of this checkout is meant: a database and a chain that
 * do not belong together would show gaps that are none.
 *
 * @throws UsageError
 */
export function walletsConfig(env: NodeJS.ProcessEnv): WalletsConfig {
  const missing = VARIABLES.filter((name) => !env[name]);
  if (missing.length === VARIABLES.length) return sandboxWalletsConfig(env);
  if (missing.length > 0) throw new UsageError(`${missing.join(' and ')} must be set too (or none of ${VARIABLES.join(', ')}, for the sandbox of this checkout)`);
  const chainId = Number(env['POLYGON_CHAIN_ID']);
  if (!Number.isSafeInteger(chainId) || chainId < 1) throw new UsageError('POLYGON_CHAIN_ID must be a whole number');
  return { chainId, databaseUrl: env['DATABASE_URL'] ?? '', rpcUrls: commaList(env['POLYGON_RPC_URL'] ?? '') };
}

function sandboxWalletsConfig(env: NodeJS.ProcessEnv): WalletsConfig {
  const { assets, databaseUrl, rpcUrl } = needCredentials(env, VARIABLES.join(', '));
  const [asset] = assets;
  if (!asset) throw new UsageError(`the sandbox has no assets: set ${VARIABLES.join(', ')}`);
  return { chainId: asset.chainId, databaseUrl, rpcUrls: commaList(rpcUrl) };
}
