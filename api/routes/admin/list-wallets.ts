import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { pageWallets, readWalletDetails } from '../../../db/repositories/wallets/wallet-view.ts';
import type { Settings } from '../../../domain/settings.ts';
import { READERS } from '../../access.ts';
import { decodeTextCursor, encodeTextCursor } from '../../pagination-cursor.ts';
import { HotWalletListQuery, HotWalletListSchema } from '../../schemas/wallet.ts';
import { LIST_LIMIT_DEFAULT } from '../../schemas/withdrawal.ts';
import { readRegistry } from '../../treasury/read-registry.ts';
import { walletView } from '../../treasury/wallet-view.ts';

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;

/** `GET /admin/wallets`: the hot wallets of the chain by address. The API reaches no chain: a worker looks, and `seenAt` says when. */
export const listWallets: FastifyPluginAsyncTypebox<{ database: Database; settings: Settings }> = async (app, { database, settings }) => {
  app.get(
    '/admin/wallets',
    {
      schema: {
        tags: ['treasury'],
        summary: 'Hot wallets: status, balances, nonces, window, hours left, open alerts',
        description: 'What is shown of the chain is as old as `seenAt` says. `reserved`, `next`, `window` and alerts are of now.',
        security: [{ bearer: [] }],
        querystring: HotWalletListQuery,
        response: { 200: HotWalletListSchema },
      },
      config: { access: { who: READERS } },
    },
    async (request) => {
      const { cursor, limit = LIST_LIMIT_DEFAULT } = request.query;
      const { chain } = settings;
      const after = cursor === undefined ? undefined : decodeTextCursor(cursor, ADDRESS);
      const { rows, next } = await pageWallets(database, { chainId: chain.chainId, after, limit });
      const registry = await readRegistry(database, chain.network);
      const details = await Promise.all(rows.map((wallet) => readWalletDetails(database, wallet, chain.inFlightWindow)));
      return { items: details.map((wallet) => walletView(wallet, registry, chain)), nextCursor: next && encodeTextCursor(next) };
    },
  );
};
