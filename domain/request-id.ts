/** `tx-{unix ms}-{random}`: sortable by time, unguessable by its 80 random bits. */
export type RequestId = `tx-${string}`;

const REQUEST_ID_PATTERN = /^tx-[0-9]{13}-[0-9a-f]{20}$/;

/** Makes the id of a new withdrawal. `random` must be 10 bytes from a CSPRNG. */
export function makeRequestId(nowMs: number, random: Uint8Array): RequestId {
  if (random.length !== 10) throw new RangeError('a request id takes 10 random bytes');
  const hex = [...random].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `tx-${nowMs}-${hex}`;
}

/** True for a string this engine could have generated as a request id. */
export function isRequestId(text: string): text is RequestId {
  return REQUEST_ID_PATTERN.test(text);
}

/** When the request was accepted, by its id. Throws for an id this engine did not make. */
export function acceptedAtOf(requestId: string): Date {
  if (!isRequestId(requestId)) throw new RangeError('not a request id');
  return new Date(Number(requestId.split('-')[1]));
}

const WORKFLOW_PREFIX = 'withdrawal-';

/** Temporal workflow id of a withdrawal. */
export function workflowIdOf(requestId: string): string {
  return `${WORKFLOW_PREFIX}${requestId}`;
}

/** The request a workflow id belongs to. */
export function requestIdOf(workflowId: string): string {
  return workflowId.slice(WORKFLOW_PREFIX.length);
}
