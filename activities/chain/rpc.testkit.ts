import { EndpointError, RpcAnswerError } from './rpc/answer.ts';
import type { Outcome, Rpc } from './rpc.ts';

/** An `Rpc` of one endpoint whose every read goes through one function: for tests that step in between. */
export function rpcThrough(chainId: number, call: Rpc['call']): Rpc {
  return {
    chainId,
    compares: false,
    call,
    agree: (method, params) => call(method, params),
    reached: async (method, params, toNumber) => toNumber(await call<unknown>(method, params)),
    callSeveral: async <T>(method: string, params: readonly unknown[]): Promise<Outcome<T>[]> => [
      await call<T>(method, params).then(
        (result) => ({ endpoint: 0, result }),
        (error: unknown) => ({ endpoint: 0, error: error instanceof RpcAnswerError ? error : new EndpointError(String(error)) }),
      ),
    ],
    alarm: () => undefined,
  };
}
