import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { moveWallet as say } from '../../../db/repositories/wallets/wallet-moves.ts';
import { readWalletDetails } from '../../../db/repositories/wallets/wallet-view.ts';
import { EngineError } from '../../../domain/errors.ts';
import type { Settings } from '../../../domain/settings.ts';
import type { WalletMove } from '../../../domain/wallet-moves.ts';
import { ADMINS } from '../../access.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { errorResponses } from '../../schemas/error.ts';
import { HotWalletSchema, WalletAddressParams, WalletMoveSchema } from '../../schemas/wallet.ts';
import { readRegistry } from '../../treasury/read-registry.ts';
import { walletView } from '../../treasury/wallet-view.ts';

/** A halt is the kill switch's. */
const MOVES = {
  pause: ['Pause a hot wallet', 'It is bound to nothing and signs nothing new; what is signed goes on. 409 for a halted one: a pause would weaken that.'],
  drain: ['Drain a hot wallet', 'It is bound to no new withdrawal and pays those it is bound to. `drained` tells when nothing is left. 409 for one that is paused or halted.'],
  resume: ['Take a hot wallet back into use', 'Whoever stopped or drained it. Closes the alerts that only a person closes: look into them first. A pause of the engine’s own comes back while its cause stands.'],
} as const satisfies Partial<Record<WalletMove, readonly [string, string]>>;

/** `POST /admin/wallets/:address/pause|drain|resume`: a person's word on a wallet. Called twice: it stands as told, with the last reason. */
export const moveWallet: FastifyPluginAsyncTypebox<{ database: Database; settings: Settings }> = async (app, { database, settings }) => {
  for (const [move, [summary, description]] of Object.entries(MOVES) as [keyof typeof MOVES, readonly [string, string]][]) {
    app.post(
      `/admin/wallets/:address/${move}`,
      {
        schema: {
          tags: ['treasury'],
          summary,
          description,
          security: [{ bearer: [] }],
          params: WalletAddressParams,
          body: WalletMoveSchema,
          response: { 200: HotWalletSchema, ...errorResponses(404, 409) },
        },
        config: { access: { who: ADMINS, secondFactor: true, audit: `wallet.${move}` } },
      },
      async (request) => {
        const { chain } = settings;
        const { address } = request.params;
        const { id: accountId } = accountOf(request);
        const result = await say(database, chain.chainId, address, move, { by: `account ${accountId}`, reason: request.body.reason });
        if (result.kind === 'unknown') throw new EngineError('NOT_FOUND', { wallet: address });
        if (result.kind === 'refused') throw new EngineError('INVALID_STATE', { reason: 'would-weaken', status: result.status });
        request.audit.target(result.wallet.address);
        request.audit.before({ status: result.from });
        request.audit.after({ status: result.wallet.status, reason: request.body.reason });
        request.log.info({ accountId, move, wallet: result.wallet.address, from: result.from, to: result.wallet.status, reason: request.body.reason }, 'a hot wallet was moved by hand');
        return walletView(await readWalletDetails(database, result.wallet, chain.inFlightWindow), await readRegistry(database, chain.network), chain);
      },
    );
  }
};
