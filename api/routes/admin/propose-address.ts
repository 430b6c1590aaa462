import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { proposeListing, proposeRemoval } from '../../../db/repositories/policy/listed-addresses.ts';
import { findUserByEmail } from '../../../db/repositories/accounts/users.ts';
import { parseAddress } from '../../../domain/address.ts';
import { EngineError } from '../../../domain/errors.ts';
import type { Settings } from '../../../domain/settings.ts';
import { ADMINS } from '../../access.ts';
import { nameShown } from '../../errors/name-shown.ts';
import { rowOf } from '../../errors/row-of.ts';
import { listedAddressView } from '../../addresses/view.ts';
import { listingState, readListingState } from '../../audit/states.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { errorResponses } from '../../schemas/error.ts';
import { ListedAddressParams, ListedAddressSchema, NewListedAddressSchema, RemovalQuery } from '../../schemas/listed-address.ts';

/**
 * `POST /admin/addresses` proposes an entry of the allowlist or the denylist, `DELETE /admin/addresses/:id` its removal.
 * Nothing changes before another admin approves. Called twice by one admin: the same proposal.
 */
export const proposeAddress: FastifyPluginAsyncTypebox<{ database: Database; sealKey: Uint8Array; settings: Settings }> = async (app, { database, sealKey, settings }) => {

  app.post(
    '/admin/addresses',
    {
      schema: {
        tags: ['admin'],
        summary: 'Propose an address for the allowlist or the denylist',
        description: 'In force once another admin has approved it. 409 while it is on that list for that owner, or another admin has proposed it.',
        security: [{ bearer: [] }],
        body: NewListedAddressSchema,
        response: { 202: ListedAddressSchema, ...errorResponses(409) },
      },
      config: { access: { who: ADMINS, secondFactor: true, audit: 'address.propose' } },
    },
    async (request, reply) => {
      const { id: accountId } = accountOf(request);
      const { list, network, address, ownerEmail, label = null, reason } = request.body;
      if (network !== settings.chain.network) throw new EngineError('UNSUPPORTED_NETWORK', nameShown('network', network));
      const owner = ownerEmail === undefined ? null : await findUserByEmail(database, ownerEmail);
      if (owner === undefined) throw new EngineError('VALIDATION_FAILED', { field: 'ownerEmail', reason: 'unknown-account' });
      const entry = { list: list === 'allow' ? ('ALLOW' as const) : ('DENY' as const), network, address: addressIn(address), ownerId: owner?.id ?? null, label, reason, proposedBy: accountId };
      const row = rowOf(await proposeListing(database, sealKey, entry));
      request.audit.target(row.id);
      request.audit.after(listingState(row));
      request.log.info({ accountId, listing: row.id, list, address: row.address, owner: row.ownerId, reason }, 'address proposed');
      return reply.code(202).send(await listedAddressView(database, row));
    },
  );

  app.delete(
    '/admin/addresses/:id',
    {
      schema: {
        tags: ['admin'],
        summary: 'Propose to remove an address from its list',
        description: 'It stays in force until another admin has approved the removal.',
        security: [{ bearer: [] }],
        params: ListedAddressParams,
        querystring: RemovalQuery,
        response: { 202: ListedAddressSchema, ...errorResponses(404, 409) },
      },
      config: { access: { who: ADMINS, secondFactor: true, audit: 'address.propose-removal' } },
    },
    async (request, reply) => {
      const { id: accountId } = accountOf(request);
      const { reason = null } = request.query;
      request.audit.before(await readListingState(database, Number(request.params.id)));
      const row = rowOf(await proposeRemoval(database, sealKey, Number(request.params.id), { proposedBy: accountId, reason }));
      request.audit.after(listingState(row));
      request.log.info({ accountId, listing: row.id, list: row.list, address: row.address, reason }, 'removal of an address proposed');
      return reply.code(202).send(await listedAddressView(database, row));
    },
  );
};

/** The field is called otherwise than in a withdrawal. */
function addressIn(text: string) {
  try {
    return parseAddress(text);
  } catch (error) {
    if (error instanceof EngineError) throw new EngineError(error.code, { ...error.parameters, field: 'address' }, { cause: error });
    throw error;
  }
}
