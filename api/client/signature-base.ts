/** What a signature covers of a request, as it stands on the wire. */
export interface SignedParts {
  /** upper case */
  method: string;
  /** the request target up to the first `?` */
  path: string;
  /** the rest of the request target with its `?`; `?` alone when there is none (RFC 9421, 2.2.7) */
  query: string;
  /** present when there is a body */
  contentDigest?: string | undefined;
  /** present when the header is sent */
  idempotencyKey?: string | undefined;
}

type Component = readonly [name: string, value: string];

/** The covered components in the one order that is accepted. */
export function componentsOf({ method, path, query, contentDigest, idempotencyKey }: SignedParts): Component[] {
  return [
    ['@method', method],
    ['@path', path],
    ['@query', query],
    ...(contentDigest === undefined ? [] : [['content-digest', contentDigest] as const]),
    ...(idempotencyKey === undefined ? [] : [['idempotency-key', idempotencyKey] as const]),
  ];
}

/** The names of components as an inner list of structured fields: how `Signature-Input` begins after its label. */
export function coverageOf(components: readonly Component[]): string {
  return `(${components.map(([name]) => `"${name}"`).join(' ')})`;
}

/**
 * The text that is signed (RFC 9421, 2.5).
 * @param parameters the value of `Signature-Input` after its label: covered names and parameters
 */
export function signatureBase(components: readonly Component[], parameters: string): string {
  return [...components.map(([name, value]) => `"${name}": ${value}`), `"@signature-params": ${parameters}`].join('\n');
}
