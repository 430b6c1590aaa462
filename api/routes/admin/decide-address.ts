import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { approveListing, rejectListing } from '../../../db/repositories/policy/listed-addresses.ts';
import { ADMINS } from '../../access.ts';
import { rowOf } from '../../errors/row-of.ts';
import { listedAddressView } from '../../addresses/view.ts';
import { listingState, readListingState } from '../../audit/states.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { errorResponses } from '../../schemas/error.ts';
import { ListedAddressParams, ListedAddressSchema, ProposalQuery } from '../../schemas/listed-address.ts';
import { RejectionSchema } from '../../schemas/policy.ts';

/**
 * `POST /admin/addresses/:id/approve` puts a proposed entry, or its removal, into force; `…/reject` turns it down. Called
 * twice by one admin: the same answer, surely so where the call says which of the two it means.
 */
export const decideAddress: FastifyPluginAsyncTypebox<{ database: Database; sealKey: Uint8Array }> = async (app, { database, sealKey }) => {
  const response = { 200: ListedAddressSchema, ...errorResponses(404, 409) };

  app.post(
    '/admin/addresses/:id/approve',
    {
      schema: {
        tags: ['admin'],
        summary: 'Approve what is proposed for an address',
        description: 'By another admin than the one who proposed it (409 otherwise).',
        security: [{ bearer: [] }],
        params: ListedAddressParams,
        querystring: ProposalQuery,
        response,
      },
      config: { access: { who: ADMINS, secondFactor: true, audit: 'address.approve' } },
    },
    async (request) => {
      const { id: accountId } = accountOf(request);
      request.audit.before(await readListingState(database, Number(request.params.id)));
      const row = rowOf(await approveListing(database, sealKey, Number(request.params.id), { approvedBy: accountId, proposal: request.query.proposal }));
      request.audit.after(listingState(row));
      request.log.info({ accountId, listing: row.id, list: row.list, address: row.address, status: row.status }, 'address decided');
      return listedAddressView(database, row);
    },
  );

  app.post(
    '/admin/addresses/:id/reject',
    {
      schema: {
        tags: ['admin'],
        summary: 'Reject what is proposed for an address',
        description: 'Whoever proposed it may take it back this way too.',
        security: [{ bearer: [] }],
        params: ListedAddressParams,
        querystring: ProposalQuery,
        body: RejectionSchema,
        response,
      },
      config: { access: { who: ADMINS, secondFactor: true, audit: 'address.reject' } },
    },
    async (request) => {
      const { id: accountId } = accountOf(request);
      const { reason } = request.body;
      request.audit.before(await readListingState(database, Number(request.params.id)));
      const row = rowOf(await rejectListing(database, sealKey, Number(request.params.id), { rejectedBy: accountId, reason, proposal: request.query.proposal }));
      request.audit.after(listingState(row));
      request.log.info({ accountId, listing: row.id, list: row.list, address: row.address, status: row.status, reason }, 'address decided');
      return listedAddressView(database, row);
    },
  );
};
