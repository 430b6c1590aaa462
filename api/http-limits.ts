/** What one connection and one request may take of this process. A limit on everything that a stranger sends. */
export interface HttpLimits {
  bodyBytesMax: number;
  /** request line and headers together */
  headerBytesMax: number;
  /** the request target, path and query */
  urlBytesMax: number;
  queryParametersMax: number;
  /** objects and arrays within each other */
  jsonDepthMax: number;
  /** for the headers to arrive */
  headersTimeoutMs: number;
  /** for the request to arrive whole */
  requestTimeoutMs: number;
  /** how often connections are held to those two */
  connectionsCheckMs: number;
  /** for an answer to be found; what has been committed by then stays so */
  handlerTimeoutMs: number;
  /** between two requests on one connection: longer than the idle time of the usual load balancer, so that it closes first */
  keepAliveTimeoutMs: number;
  /** without a byte in either direction: longer than the heartbeat of a stream */
  silenceMs: number;
  connectionsMax: number;
  /** a request waits this long for its counters in Redis at most; then it is not counted */
  countersAnswerMs: number;
}

export const HTTP_LIMITS: Readonly<HttpLimits> = {
  bodyBytesMax: 16 * 1024,
  headerBytesMax: 16 * 1024,
  urlBytesMax: 4 * 1024,
  queryParametersMax: 50,
  jsonDepthMax: 20,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  connectionsCheckMs: 1_000,
  handlerTimeoutMs: 30_000,
  keepAliveTimeoutMs: 75_000,
  silenceMs: 120_000,
  connectionsMax: 5_000,
  countersAnswerMs: 80,
};
