/** The node answered, and its answer is an error. `message` is the node's own text. */
export class RpcAnswerError extends Error {
  readonly rpcCode: number;
  readonly data: unknown;
  readonly method: string;
  /** of the HTTP answer that carried it */
  readonly httpStatus: number;
  constructor(method: string, answer: { code: number; message: string; data?: unknown }, httpStatus = 200) {
    super(answer.message);
    this.name = 'RpcAnswerError';
    this.rpcCode = answer.code;
    this.data = answer.data;
    this.method = method;
    this.httpStatus = httpStatus;
  }
}

/** An endpoint that gave no answer, or one that nobody can read. Its text never holds the URL: that is where providers put their keys. */
export class EndpointError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EndpointError';
  }
}

export interface JsonRpcAnswer {
  result?: unknown;
  error?: { code: number; message: string; data?: unknown };
}

/** Reads the body of an HTTP answer. Throws `EndpointError` when it is no JSON-RPC answer. */
export function parseAnswer(text: string, httpStatus: number): JsonRpcAnswer {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new EndpointError(`bad response: HTTP ${httpStatus}, not JSON`);
  }
  const { result, error } = (answer ?? {}) as { result?: unknown; error?: { code?: unknown; message?: unknown; data?: unknown } | null };
  // Some gateways answer with a bare word instead of an error object.
  if (error) return { error: { code: Number(error.code ?? 0), message: typeof error.message === 'string' ? error.message : JSON.stringify(error), data: error.data } };
  if (result === undefined) throw new EndpointError(`bad response: HTTP ${httpStatus} without a result`);
  return { result };
}

/** EIP-1474's "limit exceeded", used by providers for their rate limits. */
const LIMIT_EXCEEDED = -32_005;
const TOO_MANY_REQUESTS = 429;
const OVERLOADED = /rate limit|request limit|too many requests|temporarily unavailable|service unavailable|overloaded/i;
/** The texts of geth, bor, erigon, nethermind and anvil for a block or state they do not have. */
const LACKS_STATE = /header not found|missing trie node|unknown block|block (?:was )?not found|state (?:is )?(?:not available|unavailable|pruned)|historical state|BlockOutOfRange/i;
/** A token's author writes the revert reason: it may quote anything. */
const REVERT = /\brevert/i;

/** True when the node says that it is asked too much: asking it again at once makes it worse. */
export function isOverloaded(error: RpcAnswerError): boolean {
  if (error.httpStatus === TOO_MANY_REQUESTS || error.httpStatus >= 500 || error.rpcCode === LIMIT_EXCEEDED) return true;
  return !REVERT.test(error.message) && OVERLOADED.test(error.message);
}

/** True when the node says that it does not keep a block, or a state so old: another node may. */
export function lacksState(error: RpcAnswerError): boolean {
  return !REVERT.test(error.message) && LACKS_STATE.test(error.message);
}

/** True when an error answer speaks of the node and not of the request: another node may well answer. */
export function speaksOfNode(error: RpcAnswerError): boolean {
  return isOverloaded(error) || lacksState(error);
}
