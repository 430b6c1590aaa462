import { byReason, type Messages } from './messages.ts';

export const ko: Messages = {
  errors: {
    VALIDATION_FAILED: (p) =>
      byReason(
        p,
        {
          'target-required': '이 범위에는 대상(체인, 토큰 또는 지갑)을 지정해야 합니다.',
          'target-not-taken': '전체 중지에는 대상을 지정할 수 없습니다.',
          'target-unknown': `지정한 대상이 없습니다: ${p['target'] ?? p['scope'] ?? '대상'}. 아무것도 변경되지 않았습니다.`,
        },
        '요청 형식이 올바르지 않습니다. details의 항목을 확인해 주세요.',
      ),
    INVALID_ADDRESS: (p) =>
      byReason(
        p,
        {
          format: '주소는 0x로 시작하고 16진수 40자리여야 합니다.',
          checksum: '주소의 체크섬이 맞지 않습니다. 오타가 없는지 확인해 주세요.',
          'zero-address': '영 주소(0x0)로는 출금할 수 없습니다.',
          'token-address': '토큰 컨트랙트 주소로는 출금할 수 없습니다.',
          'own-wallet': '서비스 자체 지갑으로는 출금할 수 없습니다.',
        },
        '주소가 올바르지 않습니다.',
      ),
    INVALID_AMOUNT: (p) =>
      byReason(
        p,
        {
          format: '금액은 "12.5"와 같은 십진수 문자열이어야 합니다.',
          'too-large': '금액이 너무 큽니다.',
          decimals: p['decimals'] === undefined ? '소수점 아래 자릿수가 너무 많습니다.' : `금액은 소수점 아래 ${p['decimals']}자리까지 입력할 수 있습니다.`,
          zero: '금액은 0보다 커야 합니다.',
          'below-minimum': `최소 출금 금액은 ${p['minimum'] ?? ''} ${p['currency'] ?? ''}입니다.`,
        },
        '금액이 올바르지 않습니다.',
      ),
    UNSUPPORTED_CURRENCY: (p) => (p['currency'] === undefined ? '지원하지 않는 통화입니다.' : `지원하지 않는 통화입니다: ${p['currency']}`),
    UNSUPPORTED_NETWORK: (p) => (p['network'] === undefined ? '지원하지 않는 네트워크입니다.' : `지원하지 않는 네트워크입니다: ${p['network']}`),
    INSUFFICIENT_BALANCE: () => '현재 출금 가능한 잔액이 부족합니다. 잠시 후 다시 시도해 주세요.',
    LIMIT_EXCEEDED: (p) => (p['maximum'] === undefined ? '출금 한도를 초과했습니다.' : `1회 최대 출금 금액은 ${p['maximum']} ${p['currency'] ?? ''}입니다.`),
    ADDRESS_NOT_ALLOWED: () => '이 주소로는 출금할 수 없습니다.',
    IDEMPOTENCY_CONFLICT: () => '이 Idempotency-Key는 다른 요청에 이미 사용되었습니다. 새 키를 사용해 주세요.',
    IDEMPOTENCY_KEY_REQUIRED: () => 'Idempotency-Key 헤더가 필요합니다.',
    NOT_FOUND: () => '요청한 대상을 찾을 수 없습니다.',
    UNAUTHENTICATED: (p) => byReason(p, { credentials: '이메일 또는 비밀번호가 올바르지 않습니다.', 'refresh-token': '세션이 종료되었습니다. 다시 로그인해 주세요.' }, '로그인이 필요합니다.'),
    FORBIDDEN: () => '이 작업을 수행할 권한이 없습니다.',
    RATE_LIMITED: (p) => (p['retryAfterSeconds'] === undefined ? '요청이 너무 많습니다. 잠시 후 다시 시도해 주세요.' : `요청이 너무 많습니다. ${p['retryAfterSeconds']}초 후 다시 시도해 주세요.`),
    INVALID_STATE: (p) =>
      byReason(
        p,
        {
          ended: `이미 종료된 출금입니다${p['status'] === undefined ? '' : ` (${p['status']})`}.`,
          'paid-by-hand': '담당자가 직접 지급했다고 알려 와 확인하는 동안에는 취소할 수 없습니다.',
          'not-halted': '해당 중지가 걸려 있지 않습니다. GET /admin/halts에서 현재 중지 목록을 확인해 주세요.',
          'recovery-halt': '장부 복구가 필요해 걸린 중지입니다. "npm run recover"로만 해제할 수 있습니다.',
          'payment-mined': `이미 블록체인에 기록되어 취소할 수 없습니다${p['status'] === undefined ? '' : ` (${p['status']})`}.`,
        },
        '현재 상태에서는 처리할 수 없습니다.',
      ),
    PAYLOAD_TOO_LARGE: () => '요청 본문이 너무 큽니다.',
    UNSUPPORTED_MEDIA_TYPE: () => '요청 본문은 application/json이어야 합니다.',
    SERVICE_UNAVAILABLE: () => '현재 서비스를 이용할 수 없습니다. 잠시 후 같은 Idempotency-Key로 다시 시도해 주세요.',
    INTERNAL: () => '내부 오류가 발생했습니다. 잠시 후 같은 Idempotency-Key로 다시 시도해 주세요.',
    TRANSFER_REFUSED: () => '토큰 또는 수신자가 송금을 거부했습니다.',
    PAYMENT_MISMATCH: () => '블록체인의 지급 내역이 요청과 일치하지 않습니다. 운영자가 확인하고 있습니다.',
    SEAL_BROKEN: () => '출금 요청이 무결성 검사를 통과하지 못했습니다. 운영자가 확인하고 있습니다.',
    KEY_UNAVAILABLE: () => '현재 서명을 할 수 없어 다시 시도하고 있습니다.',
    KEY_INVALID: () => '서명 키가 검증을 통과하지 못했습니다. 운영자가 확인하고 있습니다.',
    WALLET_UNAVAILABLE: () => '현재 사용할 수 있는 지갑이 없어 다시 시도하고 있습니다.',
    WINDOW_FULL: () => '블록체인 처리를 기다리는 출금이 많아 순서를 기다리고 있습니다.',
    CHAIN_UNAVAILABLE: () => '현재 블록체인 네트워크에 연결할 수 없어 다시 시도하고 있습니다.',
    SEND_REJECTED: () => '네트워크가 거래를 받아들이지 않았습니다. 운영자가 확인하고 있습니다.',
    RETRIES_EXHAUSTED: () => '여러 번 시도했으나 출금이 완료되지 않았습니다. 운영자가 확인하고 있습니다.',
    HALTED: () => '현재 출금 지급이 중지되어 있습니다. 출금은 보류되며 재개 후 이어서 처리됩니다.',
    BOOKS_BEHIND: () => '서비스를 복구하는 중이라 지금은 출금을 받을 수 없습니다. 잠시 후 같은 Idempotency-Key로 다시 시도해 주세요.',
    GAS_COST_EXCEEDED: () => '이 지급의 네트워크 수수료가 한도를 넘었습니다. 담당자가 확인하고 있습니다.',
    PARKED: () => '출금이 담당자의 처리를 기다리고 있습니다.',
    PAID_BY_HAND: () => '담당자가 직접 지급했다고 알려 왔습니다. 블록체인에서 확인하고 있습니다.',
    POLICY_DENIED: () => '출금 정책에 따라 처리할 수 없는 출금입니다.',
    POLICY_MISSING: () => '적용 중인 출금 정책이 없어 지급을 보류하고 있습니다. 운영자가 정책을 승인하면 이어서 처리됩니다.',
    REJECTED_BY_APPROVER: () => '승인자가 출금을 거절했습니다.',
    APPROVAL_EXPIRED: () => '정해진 시간 안에 승인이 끝나지 않아 출금이 거절되었습니다. 새로 신청해 주세요.',
    APPROVAL_MISSING: () => '출금에 필요한 승인을 확인할 수 없습니다. 운영자가 확인하고 있습니다.',
    CANCELLED_BY_REQUEST: () => '요청에 따라 출금이 취소되었습니다.',
  },
  outcomeUnknown: '이미 블록체인에 전송되었을 수 있습니다. 해당 논스가 체인에서 최종 확정되면 결과가 정해지므로, 같은 출금을 다시 신청하지 마세요.',
};
