import type { Database } from '../../db/client.ts';
import { listAssets } from '../../db/repositories/assets.ts';
import { listWallets } from '../../db/repositories/wallets/wallets.ts';
import { sameAddress } from '../../domain/address.ts';
import { EngineError } from '../../domain/errors.ts';
import { EVERYTHING, NATIVE, type Halt } from '../../domain/halts.ts';
import type { Settings } from '../../domain/settings.ts';
import type { HaltBody, HttpScope } from '../schemas/halt.ts';

const SCOPES = { global: 'GLOBAL', chain: 'CHAIN', token: 'TOKEN', wallet: 'WALLET' } as const satisfies Record<HttpScope, Halt['scope']>;

/**
 * The halt a caller means, in the one spelling it is stored in. Throws `VALIDATION_FAILED` for a target that is missing, too much,
 * or nothing of this deployment: a halt with a typing error would stop nothing.
 */
export async function haltOf({ scope, target }: Pick<HaltBody, 'scope' | 'target'>, deps: { database: Database; settings: Settings }): Promise<Halt> {
  const kind = 'OPERATOR';
  if (scope === 'global') {
    if (target !== undefined) throw refused('target-not-taken', scope);
    return { scope: 'GLOBAL', target: EVERYTHING, kind };
  }
  if (target === undefined) throw refused('target-required', scope);
  const found = await find[scope](target, deps);
  if (found === undefined) throw refused('target-unknown', scope, target);
  return { scope: SCOPES[scope], target: found, kind };
}

const find: Record<Exclude<HttpScope, 'global'>, (target: string, deps: { database: Database; settings: Settings }) => Promise<string | undefined>> = {
  chain: async (target, { settings: { chain } }) => (target === chain.network || target === String(chain.chainId) ? String(chain.chainId) : undefined),
  /** also of a token that is switched off: withdrawals of it may be under way */
  async token(target, { database, settings }) {
    const assets = await listAssets(database, settings.chain.network);
    const named = assets.filter(({ currency, tokenAddress }) => currency === target.toUpperCase() || sameAddress(tokenAddress ?? NATIVE, target));
    return named.map(({ tokenAddress }) => tokenAddress ?? NATIVE).at(0);
  },
  async wallet(target, { database, settings }) {
    const wallets = await listWallets(database, settings.chain.chainId);
    return wallets.find(({ address }) => sameAddress(address, target))?.address;
  },
};

function refused(reason: string, scope: HttpScope, target?: string): EngineError {
  return new EngineError('VALIDATION_FAILED', { field: 'target', reason, scope, ...(target !== undefined && { target }) });
}
