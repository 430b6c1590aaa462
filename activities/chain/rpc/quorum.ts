import { EndpointError, RpcAnswerError, speaksOfNode } from './answer.ts';

/** What one endpoint made of a call. */
export type Outcome<T> = { endpoint: number } & ({ result: T } | { error: RpcAnswerError | EndpointError });

export type Agreement<T> =
  /** two said the same; `liars` said something else */
  | { kind: 'agreed'; result: T; liars: number[] }
  /** two refused the request itself; the first refusal */
  | { kind: 'refused'; error: RpcAnswerError }
  /** two different answers, and no third that sides with one */
  | { kind: 'contradiction'; endpoints: number[] }
  /** too few answers to say; `error` of one that gave none */
  | { kind: 'open'; error: RpcAnswerError | EndpointError | null };

/**
 * What two endpoints agree on; one is enough where only one is there. Pure. `pick` names what must be the same: clients add fields of their own. "I do not have
 * it" (null) against an answer is "not yet" and no contradiction; neither is a refusal against an answer.
 * @param there how many endpoints there are to ask
 */
export function findAgreement<T>(outcomes: readonly Outcome<T>[], pick: (result: T) => unknown, there: number): Agreement<T> {
  const needed = Math.min(2, there);
  const byAnswer = new Map<string, { endpoints: number[]; result: T; said: boolean }>();
  const refusals: RpcAnswerError[] = [];
  let failure: RpcAnswerError | EndpointError | null = null;
  for (const outcome of outcomes) {
    if ('error' in outcome) {
      failure ??= outcome.error;
      if (outcome.error instanceof RpcAnswerError && !speaksOfNode(outcome.error)) refusals.push(outcome.error);
      continue;
    }
    const picked = pickFrom(outcome.result, pick);
    if (picked instanceof EndpointError) {
      failure ??= picked;
      continue;
    }
    const key = canonical(picked);
    const known = byAnswer.get(key);
    if (known) known.endpoints.push(outcome.endpoint);
    else byAnswer.set(key, { endpoints: [outcome.endpoint], result: outcome.result, said: picked !== null });
  }
  const answers = [...byAnswer.values()];
  const agreed = answers.find(({ endpoints }) => endpoints.length >= needed);
  if (agreed) return { kind: 'agreed', result: agreed.result, liars: agreed.said ? answers.filter((other) => other !== agreed && other.said).flatMap(({ endpoints }) => endpoints) : [] };
  const [refusal] = refusals;
  if (refusal && refusals.length >= needed) return { kind: 'refused', error: refusal };
  const said = answers.filter((answer) => answer.said);
  return said.length > 1 ? { kind: 'contradiction', endpoints: said.flatMap(({ endpoints }) => endpoints) } : { kind: 'open', error: failure };
}

/** What must be the same. An answer of another shape than was asked for is as good as none. */
function pickFrom<T>(result: T, pick: (result: T) => unknown): unknown {
  if (result === null) return null;
  try {
    return pick(result) ?? null;
  } catch (error) {
    return new EndpointError(`an answer that cannot be read: ${String(error)}`);
  }
}

/** One text for equal JSON: keys sorted, hex in lower case (clients differ in both). */
export function canonical(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(/^0x[0-9a-f]*$/i.test(value) ? value.toLowerCase() : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields.toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`;
}
