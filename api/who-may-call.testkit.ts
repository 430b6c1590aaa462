import type { Scope } from '../domain/scopes.ts';
import type { Role } from '../domain/status.ts';

/**
 * Who may call what, written down a second time and by hand: a rule that is wrong in its route is wrong here only if the same
 * mistake is made twice. HEAD goes with GET.
 *
 * 2ND FACTOR: where the settings may ask for it. NAMES: what a path is about: something of an owner's (a stranger must not
 * learn that it is there), a list of the caller's `own`, or something of the engine's that its roles see all of.
 */
const TABLE = `
METHOD  PATH                                            MAY CALL                  A KEY WITH          2ND FACTOR  NAMES

GET     /health                                         anyone                    -                   -           -
GET     /ready                                          anyone                    -                   -           -
GET     /metrics                                        anyone                    -                   -           -
GET     /assets                                         anyone                    -                   -           -
GET     /docs                                           anyone                    -                   -           -
GET     /docs/json                                      anyone                    -                   -           -
GET     /docs/yaml                                      anyone                    -                   -           -
GET     /docs/static/index.html                         anyone                    -                   -           -
GET     /docs/static/swagger-initializer.js             anyone                    -                   -           -
GET     /docs/static/*                                  anyone                    -                   -           -
POST    /auth/login                                     anyone                    -                   -           -
POST    /auth/refresh                                   anyone                    -                   -           -
POST    /auth/logout                                    anyone                    -                   -           -
POST    /auth/register                                  anyone                    -                   -           -
GET     /.well-known/jwks.json                          anyone                    -                   -           -

GET     /auth/second-factor                             any role                  -                   -           -
POST    /auth/second-factor                             any role                  -                   -           -
POST    /auth/second-factor/confirm                     any role                  -                   -           -
POST    /auth/second-factor/verify                      any role                  -                   -           -
DELETE  /auth/second-factor                             any role                  -                   -           -
POST    /auth/password                                  any role                  -                   -           -
GET     /auth/sessions                                  any role                  -                   -           own
DELETE  /auth/sessions                                  any role                  -                   -           -
DELETE  /auth/sessions/:id                              any role                  -                   -           session

POST    /withdrawals                                    USER ADMIN                withdrawals:create  -           -
GET     /withdrawals                                    USER ADMIN                withdrawals:read    -           own
GET     /withdrawals/:requestId                         USER ADMIN                withdrawals:read    -           withdrawal
POST    /withdrawals/:requestId/cancel                  USER ADMIN                withdrawals:cancel  -           withdrawal
GET     /withdrawals/:requestId/events                  USER ADMIN                withdrawals:read    -           withdrawal

POST    /api-keys                                       USER ADMIN                -                   -           -
GET     /api-keys                                       USER ADMIN                -                   -           own
DELETE  /api-keys/:id                                   USER ADMIN                -                   -           api-key

POST    /webhooks                                       USER ADMIN                webhooks:manage     -           -
GET     /webhooks                                       USER ADMIN                webhooks:manage     -           own
GET     /webhooks/:id                                   USER ADMIN                webhooks:manage     -           webhook
PATCH   /webhooks/:id                                   USER ADMIN                webhooks:manage     -           webhook
DELETE  /webhooks/:id                                   USER ADMIN                webhooks:manage     -           webhook
POST    /webhooks/:id/secrets                           USER ADMIN                webhooks:manage     -           webhook
GET     /webhooks/:id/deliveries                        USER ADMIN                webhooks:manage     -           webhook
POST    /webhooks/:id/deliveries/:deliveryId/redeliver  USER ADMIN                webhooks:manage     -           delivery

GET     /admin/transactions                             ADMIN APPROVER AUDITOR    -                   -           -
GET     /admin/transactions/:id                         ADMIN APPROVER AUDITOR    -                   -           engine
POST    /admin/transactions/:id/approve                 ADMIN APPROVER            -                   2nd         engine
POST    /admin/transactions/:id/reject                  ADMIN APPROVER            -                   2nd         engine
POST    /admin/transactions/:id/cancel                  ADMIN                     -                   -           engine
POST    /admin/transactions/:id/retry                   ADMIN                     -                   -           engine
POST    /admin/transactions/:id/mark-paid               ADMIN                     -                   2nd         engine
GET     /admin/dead-letters                             ADMIN APPROVER AUDITOR    -                   -           -
POST    /admin/dead-letters/retry                       ADMIN                     -                   -           -
GET     /admin/alerts                                   ADMIN APPROVER AUDITOR    -                   -           -
GET     /admin/queues                                   ADMIN APPROVER AUDITOR    -                   -           -
GET     /admin/stats                                    ADMIN APPROVER AUDITOR    -                   -           -

GET     /admin/users                                    ADMIN APPROVER AUDITOR    -                   -           -
POST    /admin/users                                    ADMIN                     -                   2nd         -
GET     /admin/users/:id                                ADMIN APPROVER AUDITOR    -                   -           engine
PATCH   /admin/users/:id                                ADMIN                     -                   2nd         engine
POST    /admin/users/:id/second-factor/reset            ADMIN                     -                   2nd         engine
GET     /admin/audit                                    ADMIN APPROVER AUDITOR    -                   -           -
GET     /admin/audit/verification                       ADMIN APPROVER AUDITOR    -                   -           -
GET     /admin/payload-reader                           ADMIN APPROVER AUDITOR    -                   -           -

GET     /admin/policies                                 ADMIN APPROVER AUDITOR    -                   -           -
PUT     /admin/policies                                 ADMIN                     -                   2nd         -
POST    /admin/policies/simulate                        ADMIN APPROVER AUDITOR    -                   -           -
POST    /admin/policies/:version/approve                ADMIN                     -                   2nd         engine
POST    /admin/policies/:version/reject                 ADMIN                     -                   2nd         engine
GET     /admin/addresses                                ADMIN APPROVER AUDITOR    -                   -           -
POST    /admin/addresses                                ADMIN                     -                   2nd         -
DELETE  /admin/addresses/:id                            ADMIN                     -                   2nd         engine
POST    /admin/addresses/:id/approve                    ADMIN                     -                   2nd         engine
POST    /admin/addresses/:id/reject                     ADMIN                     -                   2nd         engine

GET     /admin/halts                                    ADMIN APPROVER AUDITOR    -                   -           -
POST    /admin/halt                                     ADMIN                     -                   2nd         -
POST    /admin/resume                                   ADMIN                     -                   2nd         -
GET     /admin/wallets                                  ADMIN APPROVER AUDITOR    -                   -           -
POST    /admin/wallets/:address/pause                   ADMIN                     -                   2nd         engine
POST    /admin/wallets/:address/drain                   ADMIN                     -                   2nd         engine
POST    /admin/wallets/:address/resume                  ADMIN                     -                   2nd         engine
GET     /admin/treasury/movements                       ADMIN APPROVER AUDITOR    -                   -           -
POST    /admin/treasury/movements                       ADMIN                     -                   2nd         -
`;

export type Owned = 'withdrawal' | 'webhook' | 'delivery' | 'session' | 'api-key';
export type Named = Owned | 'own' | 'engine';

export interface Entry {
  method: string;
  path: string;
  who: 'anyone' | Role[];
  scope: Scope | undefined;
  secondFactor: boolean;
  names: Named | undefined;
}

/** The table, one entry a method: each GET with its HEAD. */
export const WHO_MAY_CALL: readonly Entry[] = TABLE.trim()
  .split('\n')
  .slice(1)
  .filter((line) => line !== '')
  .flatMap((line) => {
    const [method = '', path = '', who = '', scope = '', secondFactor = '', names = ''] = line.split(/ {2,}/);
    const entry: Entry = {
      method,
      path,
      who: who === 'anyone' ? who : who === 'any role' ? ['USER', 'ADMIN', 'APPROVER', 'AUDITOR'] : (who.split(' ') as Role[]),
      scope: scope === '-' ? undefined : (scope as Scope),
      secondFactor: secondFactor === '2nd',
      names: names === '-' ? undefined : (names as Named),
    };
    return method === 'GET' ? [entry, { ...entry, method: 'HEAD' }] : [entry];
  });
