import { existsSync } from 'node:fs';
import type { StatePaths } from '../stack/paths.ts';
import { UserError } from '../command-line/user-error.ts';

export type ChainKind = 'embedded' | 'own';

/** Which chain a state directory was set up for; undefined where it was set up for none yet. */
export function chainOfState({ credentialsFile, chainFile }: Pick<StatePaths, 'credentialsFile' | 'chainFile'>): ChainKind | undefined {
  if (existsSync(chainFile)) return 'embedded';
  return existsSync(credentialsFile) ? 'own' : undefined;
}

/**
 * Keeps a state directory to the chain it was set up for: wallets and nonces of one say nothing of the other, though both may have
 * the same chain id. Throws UserError.
 */
export function assertChainOfState(paths: Pick<StatePaths, 'root' | 'credentialsFile' | 'chainFile'>, chain: ChainKind): void {
  const before = chainOfState(paths);
  if (before === undefined || before === chain) return;
  throw new UserError(
    before === 'embedded'
      ? `${paths.root} was set up for the embedded chain, whose wallets and nonces mean nothing on the chain of POLYGON_RPC_URL: set SANDBOX_DIR to another directory, or run "npm run reset" first.`
      : `${paths.root} was set up for a chain of your own: set POLYGON_RPC_URL as before, or SANDBOX_DIR to another directory for the embedded chain.`,
  );
}
