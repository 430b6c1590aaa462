import { byReason, type Messages } from './messages.ts';

export const en: Messages = {
  errors: {
    VALIDATION_FAILED: (p) =>
      byReason(
        p,
        {
          'target-required': 'This scope needs a target: a chain, a token or a wallet.',
          'target-not-taken': 'A global halt takes no target.',
          'target-unknown': `There is no ${p['scope'] ?? 'such thing'} ${p['target'] ?? ''} here. Nothing was changed.`,
        },
        'The request is not valid. See the details for the fields to correct.',
      ),
    INVALID_ADDRESS: (p) =>
      byReason(
        p,
        {
          format: 'The address must be 0x followed by 40 hexadecimal digits.',
          checksum: 'The checksum of the address does not match. Check the address for a typing error.',
          'zero-address': 'Nothing can be sent to the zero address.',
          'token-address': "Nothing can be sent to the token's own contract.",
          'own-wallet': 'Nothing can be sent to a wallet of this service.',
        },
        'The address is not valid.',
      ),
    INVALID_AMOUNT: (p) =>
      byReason(
        p,
        {
          format: 'The amount must be a plain decimal number such as "12.5".',
          'too-large': 'The amount is too large.',
          decimals: p['decimals'] === undefined ? 'The amount has too many decimal places.' : `The amount may have at most ${p['decimals']} decimal places.`,
          zero: 'The amount must be greater than zero.',
          'below-minimum': `The smallest amount is ${p['minimum'] ?? ''} ${p['currency'] ?? ''}.`,
        },
        'The amount is not valid.',
      ),
    UNSUPPORTED_CURRENCY: (p) => (p['currency'] === undefined ? 'The currency is not supported.' : `The currency ${p['currency']} is not supported.`),
    UNSUPPORTED_NETWORK: (p) => (p['network'] === undefined ? 'The network is not supported.' : `The network ${p['network']} is not supported.`),
    INSUFFICIENT_BALANCE: () => 'There are not enough funds for the withdrawal at the moment. Try again later.',
    LIMIT_EXCEEDED: (p) => (p['maximum'] === undefined ? 'The withdrawal exceeds a limit.' : `The most that one withdrawal may pay is ${p['maximum']} ${p['currency'] ?? ''}.`),
    ADDRESS_NOT_ALLOWED: () => 'Withdrawals to this address are not allowed.',
    IDEMPOTENCY_CONFLICT: () => 'This Idempotency-Key was already used for another request. Use a new key.',
    IDEMPOTENCY_KEY_REQUIRED: () => 'The Idempotency-Key header is required.',
    NOT_FOUND: () => 'What was asked for does not exist.',
    UNAUTHENTICATED: (p) => byReason(p, { credentials: 'The e-mail address or the password is wrong.', 'refresh-token': 'The session has ended. Sign in again.' }, 'Sign in first.'),
    FORBIDDEN: () => 'You are not allowed to do this.',
    RATE_LIMITED: (p) => (p['retryAfterSeconds'] === undefined ? 'Too many requests. Try again in a moment.' : `Too many requests. Try again in ${p['retryAfterSeconds']} s.`),
    INVALID_STATE: (p) =>
      byReason(
        p,
        {
          ended: `The withdrawal has already ended${p['status'] === undefined ? '' : ` (${p['status']})`}.`,
          'paid-by-hand': 'An operator reports that this was paid by hand. It cannot be cancelled until that is checked.',
          'not-halted': 'No such halt stands. GET /admin/halts lists those that do.',
          'recovery-halt': 'This halt was set because the books are behind. Only "npm run recover" lifts it.',
          'payment-mined': `The payment is already on the chain and can no longer be cancelled${p['status'] === undefined ? '' : ` (${p['status']})`}.`,
        },
        'This is not possible in the present state.',
      ),
    PAYLOAD_TOO_LARGE: () => 'The request body is too large.',
    UNSUPPORTED_MEDIA_TYPE: () => 'The request body must be application/json.',
    SERVICE_UNAVAILABLE: () => 'The service is not available at the moment. Try again in a moment, with the same Idempotency-Key.',
    INTERNAL: () => 'Something went wrong on our side. Try again in a moment, with the same Idempotency-Key.',
    TRANSFER_REFUSED: () => 'The token or the recipient refuses the transfer.',
    PAYMENT_MISMATCH: () => 'What arrived on the chain does not match the request. An operator is looking at it.',
    SEAL_BROKEN: () => 'The withdrawal did not pass an integrity check. An operator is looking at it.',
    KEY_UNAVAILABLE: () => 'Signing is not available at the moment. It is tried again.',
    KEY_INVALID: () => 'The signing key did not pass a check. An operator is looking at it.',
    WALLET_UNAVAILABLE: () => 'No wallet is available for the payment at the moment. It is tried again.',
    WINDOW_FULL: () => 'Many payments are waiting for the chain. This one takes its turn.',
    CHAIN_UNAVAILABLE: () => 'The blockchain network cannot be reached at the moment. It is tried again.',
    SEND_REJECTED: () => 'The network did not take the transaction. An operator is looking at it.',
    RETRIES_EXHAUSTED: () => 'The withdrawal did not get through after several tries. An operator is looking at it.',
    HALTED: () => 'Payments are halted at the moment. The withdrawal is held and goes on afterwards.',
    BOOKS_BEHIND: () => 'The service is being recovered and takes no withdrawals now. Try again later, with the same Idempotency-Key.',
    GAS_COST_EXCEEDED: () => 'The network fee of this payment is above the limit. An operator is looking at it.',
    PARKED: () => 'The withdrawal waits for an operator.',
    PAID_BY_HAND: () => 'An operator reported that this was paid by hand. It is being checked on the chain.',
    POLICY_DENIED: () => 'The withdrawal policy does not allow this withdrawal.',
    POLICY_MISSING: () => 'No withdrawal policy is live, so nothing is paid for now. It goes on once operators have approved one.',
    REJECTED_BY_APPROVER: () => 'An approver rejected the withdrawal.',
    APPROVAL_EXPIRED: () => 'The withdrawal was not approved in time and was rejected. Please submit it anew.',
    APPROVAL_MISSING: () => 'The approvals this withdrawal needs cannot be verified. Operators are looking into it.',
    CANCELLED_BY_REQUEST: () => 'The withdrawal was cancelled on request.',
  },
  outcomeUnknown: 'The payment may be on the chain already. This is settled once its nonce is final on the chain; do not submit the withdrawal again.',
};
