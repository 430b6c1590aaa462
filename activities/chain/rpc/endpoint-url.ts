/** An endpoint's address, taken apart so that its secrets stay out of every text. */
export interface EndpointUrl {
  /** without user and password: `fetch` refuses a URL that has them */
  readonly href: string;
  /** host and port: safe to show */
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A text without what the URL keeps secret: nodes and proxies quote keys and paths in their errors. */
  redact(text: string): string;
}

/** Parts shorter than this are words like `v2` and `rpc`, not keys. */
const SECRET_LENGTH_MIN = 6;

/** Reads one URL of the configuration. Throws one line that does not show it. */
export function parseEndpointUrl(text: string, index: number): EndpointUrl {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol)) throw new Error(`RPC endpoint ${index + 1} is not an http or https URL.`);
  const user = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  const headers: Record<string, string> = user || password ? { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` } : {};
  url.username = '';
  url.password = '';
  const parts = [...url.pathname.split('/'), ...url.searchParams.values(), user, password];
  const secrets = [text, url.href, `${url.pathname}${url.search}`, ...parts].filter((part) => part.length >= SECRET_LENGTH_MIN).toSorted((left, right) => right.length - left.length);
  return {
    href: url.href,
    host: url.host,
    headers,
    redact: (shown) => secrets.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), shown),
  };
}
