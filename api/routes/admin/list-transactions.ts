import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { searchWithdrawals } from '../../../db/repositories/withdrawals/search-withdrawals.ts';
import { parseAddress, type Address } from '../../../domain/address.ts';
import { EngineError } from '../../../domain/errors.ts';
import type { Settings } from '../../../domain/settings.ts';
import { READERS } from '../../access.ts';
import { decodeCursor, encodeCursor } from '../../pagination-cursor.ts';
import { AdminTransactionListSchema, AdminTransactionQuery } from '../../schemas/admin-transaction.ts';
import { LIST_LIMIT_DEFAULT } from '../../schemas/withdrawal.ts';
import { optionalTime } from '../../times.ts';
import { adminTransactionView } from '../../withdrawals/admin-view.ts';
import { viewContextOf } from '../../withdrawals/view-context.ts';

/** `GET /admin/transactions`: everyone's withdrawals by what an operator knows of them, newest first. */
export const listTransactions: FastifyPluginAsyncTypebox<{ database: Database; settings: Settings }> = async (app, { database, settings }) => {
  app.get(
    '/admin/transactions',
    {
      schema: {
        tags: ['admin'],
        summary: 'Search withdrawals',
        description: 'By request, transaction hash, recipient, status, hot wallet, nonce, currency, owner and time; everything given must hold. Newest first.',
        security: [{ bearer: [] }],
        querystring: AdminTransactionQuery,
        response: { 200: AdminTransactionListSchema },
      },
      config: { access: { who: READERS } },
    },
    async (request) => {
      const { txHash, address, signer, from, to, cursor, limit = LIST_LIMIT_DEFAULT, ...equal } = request.query;
      const { found, next } = await searchWithdrawals(database, {
        ...equal,
        chainId: settings.chain.chainId,
        txHash: txHash?.toLowerCase() as `0x${string}` | undefined,
        recipient: addressIn('address', address),
        signer: addressIn('signer', signer),
        from: optionalTime('from', from),
        to: optionalTime('to', to),
        after: cursor === undefined ? undefined : decodeCursor(cursor),
        limit,
      });
      const context = viewContextOf(request, settings);
      return { items: found.map((each) => adminTransactionView(each, context)), nextCursor: next && encodeCursor(next) };
    },
  );
};

function addressIn(field: string, text: string | undefined): Address | undefined {
  if (text === undefined) return undefined;
  try {
    return parseAddress(text);
  } catch (error) {
    if (error instanceof EngineError) throw new EngineError(error.code, { ...error.parameters, field }, { cause: error });
    throw error;
  }
}
