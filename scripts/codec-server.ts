import { parseArgs } from 'node:util';
import { createLogger, logLevelFrom, type LogLevel } from '../db/observability/logger.ts';
import { buildCodecServer } from '../temporal-config/codec-server/app.ts';
import { codecServerConfigFrom, DEFAULT_PORT, type CodecServerConfig } from '../temporal-config/codec-server/config.ts';
import { connectEngineApi } from '../temporal-config/codec-server/engine-api.ts';
import { oneLine } from './command-line/user-error.ts';

const HELP = `Usage: npm run codec-server

Opens and seals payloads for the Temporal Web UI and CLI (the remote codec protocol), for people whom the engine's API takes as
readers: ADMIN, APPROVER and AUDITOR. "npm start" runs one beside the sandbox; this is for a Temporal server of your own.

In a browser: sign in at CODEC_PUBLIC_URL/sign-in. The Web UI is told CODEC_PUBLIC_URL as its codec endpoint, with
TEMPORAL_CODEC_INCLUDE_CREDENTIALS=true; it must be on the same site (https://temporal.example.com and https://codec.example.com are).
With the CLI: temporal workflow show --codec-endpoint URL --codec-auth "Bearer ACCESS_TOKEN"

Variables:
  TEMPORAL_PAYLOAD_KEYS  the keys the roles have
  CODEC_API_URL          where the engine's API is
  CODEC_UI_ORIGINS       exact origins of the Web UIs, separated by commas (none: no browser may ask)
  CODEC_PUBLIC_URL       where people reach this server (default: its own address); cookies are Secure where it is https
  CODEC_HOST, CODEC_PORT where it listens (default 127.0.0.1, ${DEFAULT_PORT}); put TLS in front of anything but this machine
  LOG_LEVEL              ERROR, WARN, INFO (default) or DEBUG

Ends with 0 when it is stopped, 2 on wrong arguments or variables, 1 on anything else.
`;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h', default: false } } });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const config = codecServerConfigFrom(process.env);
  await serve(config, logLevelFrom(process.env));
}

async function serve(config: CodecServerConfig, level: LogLevel): Promise<void> {
  const logger = createLogger({ service: 'codec-server', level });
  if (config.codecs.length === 0) logger.warn({}, 'TEMPORAL_PAYLOAD_KEYS is "plain": there is nothing to open here');
  const app = await buildCodecServer({ ...config, api: connectEngineApi(config.apiUrl), logger });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void app.close());
  await app.listen({ host: config.host, port: config.port });
}

try {
  await main();
} catch (error) {
  const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  process.stderr.write(taken ? `Port ${process.env['CODEC_PORT'] ?? DEFAULT_PORT} is taken: set CODEC_PORT to another one.\n` : `codec-server cannot start: ${oneLine(error)}\n`);
  process.exitCode = taken ? 1 : 2;
}
