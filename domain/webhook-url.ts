import ipaddr from 'ipaddr.js';
import { EngineError } from './errors.ts';

/** What an operator lets receivers be; both are for receivers on a developer's own machine. */
export interface WebhookUrlRules {
  allowHttp: boolean;
  allowPrivateAddresses: boolean;
}

export type UrlRefusal = 'malformed' | 'scheme' | 'credentials' | 'port' | 'private-address';

/** Below these are other protocols' ports. */
const PORT_MIN = 1_024;
const WEB_PORTS = ['', '80', '443'];
const URL_LENGTH_MAX = 2_048;
/** The part of IPv6 that is given out for the Internet; outside of it nothing is public. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');
/** Ranges a developer's own receiver may have; link-local (cloud metadata), multicast and the rest are refused everywhere. */
const DEVELOPER_RANGES: readonly string[] = ['loopback', 'private', 'uniqueLocal'];

/**
 * Whether nothing is sent to this address: what is not plainly public is not. Wrapped forms (mapped, translated, 6to4, Teredo) are
 * refused whatever they wrap. The ranges are `ipaddr.js`'s, after the IANA special-purpose registries (RFC 6890).
 */
export function isRefusedAddress(address: string, rules: Pick<WebhookUrlRules, 'allowPrivateAddresses'>): boolean {
  if (!isAddress(address)) return true;
  const parsed = ipaddr.parse(address);
  const range = parsed.range();
  if (rules.allowPrivateAddresses && DEVELOPER_RANGES.includes(range)) return false;
  return range !== 'unicast' || (parsed.kind() === 'ipv6' && !parsed.match(GLOBAL_UNICAST));
}

/** The usual spelling only: `127.1` is an address to some and a name to others. */
function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
}

/** The host of a URL as a resolver or a socket takes it: IPv6 without its brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** True for names that mean this machine whatever a resolver says (RFC 6761, 6.3). */
export function isLocalhost(host: string): boolean {
  return /(^|\.)localhost\.?$/.test(host);
}

/** Why a URL cannot be an endpoint, as far as its text tells; null when it may be. What its name resolves to is asked when something is sent. */
export function urlRefusal(text: string, rules: WebhookUrlRules): UrlRefusal | null {
  if (text.length > URL_LENGTH_MAX || !URL.canParse(text)) return 'malformed';
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(rules.allowHttp && url.protocol === 'http:')) return 'scheme';
  if (url.username !== '' || url.password !== '') return 'credentials';
  if (url.hash !== '') return 'malformed';
  if (!WEB_PORTS.includes(url.port) && Number(url.port) < PORT_MIN) return 'port';
  const host = hostOf(url);
  if (isLocalhost(host)) return rules.allowPrivateAddresses ? null : 'private-address';
  return isAddress(host) && isRefusedAddress(host, rules) ? 'private-address' : null;
}

/** The URL of an endpoint in its normal form. Throws `VALIDATION_FAILED` with the reason for the field `url`. */
export function parseWebhookUrl(text: string, rules: WebhookUrlRules): string {
  const refusal = urlRefusal(text, rules);
  if (refusal !== null) throw new EngineError('VALIDATION_FAILED', { field: 'url', reason: refusal });
  return new URL(text).href;
}
