import type { PayloadCodec } from '@temporalio/common';
import { commaList } from '../../domain/comma-list.ts';
import { parsePort } from '../../domain/port.ts';
import { dataConverterFrom } from '../data-converter.ts';

export interface CodecServerConfig {
  host: string;
  port: number;
  /** of the engine's API, which judges sessions */
  apiUrl: URL;
  /** origins of Web UIs that may ask from a browser; none: only tools with a token */
  uiOrigins: string[];
  /** where people reach this server; cookies are `Secure` where it is https */
  publicUrl: URL;
  /** the engine's own codecs; none where nothing is sealed */
  codecs: PayloadCodec[];
}

export const DEFAULT_PORT = 8234;

/** Reads CODEC_HOST, CODEC_PORT, CODEC_API_URL, CODEC_UI_ORIGINS, CODEC_PUBLIC_URL and TEMPORAL_PAYLOAD_KEYS. Throws one line naming the first that is missing or wrong. */
export function codecServerConfigFrom(env: NodeJS.ProcessEnv): CodecServerConfig {
  const host = env['CODEC_HOST'] || '127.0.0.1';
  const port = parsePort('CODEC_PORT', env['CODEC_PORT'] || String(DEFAULT_PORT));
  const { payloadCodecs = [] } = dataConverterFrom(env);
  return {
    host,
    port,
    apiUrl: urlFrom('CODEC_API_URL', env['CODEC_API_URL'] ?? ''),
    uiOrigins: commaList(env['CODEC_UI_ORIGINS'] ?? '').map(originFrom),
    publicUrl: urlFrom('CODEC_PUBLIC_URL', env['CODEC_PUBLIC_URL'] || `http://${host.includes(':') ? `[${host}]` : host}:${port}`),
    codecs: payloadCodecs,
  };
}

function urlFrom(name: string, text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') throw new Error(`${name} must be http://… or https://… without a name and password.`);
  return url;
}

function originFrom(text: string): string {
  const { origin } = urlFrom('CODEC_UI_ORIGINS', text);
  if (origin !== text) throw new Error('CODEC_UI_ORIGINS must hold exact origins, as https://temporal.example.com without a path, separated by commas.');
  return origin;
}
