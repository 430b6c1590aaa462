/** How far a halt reaches. */
export const HALT_SCOPES = ['GLOBAL', 'CHAIN', 'TOKEN', 'WALLET'] as const;
export type HaltScope = (typeof HALT_SCOPES)[number];

/**
 * Why signing and sending stand still. `OPERATOR`: a person pulled the kill switch; withdrawals are accepted and held.
 * `RECOVERY`: the books are behind the chain or Temporal; nothing is accepted either until `npm run recover` has run.
 */
export const HALT_KINDS = ['OPERATOR', 'RECOVERY'] as const;
export type HaltKind = (typeof HALT_KINDS)[number];

/** The target of a global halt. */
export const EVERYTHING = '*';
/** The token a halt names when it means the chain's own coin. */
export const NATIVE = 'native';

export interface Halt {
  scope: HaltScope;
  /** `*`, a chain id, a token's or a wallet's address; the native coin is the token `native` */
  target: string;
  kind: HaltKind;
}

/** What is about to be signed or sent. */
export interface HaltSubject {
  chainId: number;
  /** null for the native coin */
  tokenAddress: string | null;
  walletAddress: string;
}

/** True when a halt forbids signing or sending for the subject. Addresses compare without case. */
export function forbids(halt: Halt, subject: HaltSubject): boolean {
  switch (halt.scope) {
    case 'GLOBAL':
      return true;
    case 'CHAIN':
      return halt.target === String(subject.chainId);
    case 'TOKEN':
      return halt.target.toLowerCase() === (subject.tokenAddress ?? NATIVE).toLowerCase();
    case 'WALLET':
      return halt.target.toLowerCase() === subject.walletAddress.toLowerCase();
    default:
      return halt.scope satisfies never;
  }
}
