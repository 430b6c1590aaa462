import { parseArgs } from 'node:util';
import { temporalPlaceFrom } from '../temporal-config/connection.ts';
import { retentionDaysFrom } from '../temporal-config/retention.ts';
import { setUpTemporal } from '../temporal-config/set-up.ts';
import { deepestLine, oneLine } from './command-line/user-error.ts';

const HELP = `Usage: npm run temporal:setup

Makes a Temporal server ready for the engine: the namespace, how long it keeps closed workflows, and the search attributes. Run
again, it changes nothing. On Temporal Cloud all three are made there; this says what is missing.

Variables: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE (default default), TEMPORAL_RETENTION_DAYS (default 7; a longer one stays), and how Temporal is reached:
TEMPORAL_API_KEY, TEMPORAL_TLS…

Ends with 0 when it is ready, 2 on wrong arguments or variables, 1 on anything else.
`;

async function main(): Promise<number> {
  let place;
  let retentionDays;
  try {
    const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h', default: false } } });
    if (values.help) {
      process.stdout.write(HELP);
      return 0;
    }
    place = temporalPlaceFrom(process.env);
    retentionDays = retentionDaysFrom(process.env);
  } catch (error) {
    process.stderr.write(`temporal:setup: ${oneLine(error)}\n`);
    return 2;
  }
  const found = await setUpTemporal(place, retentionDays);
  process.stdout.write(`Namespace ${place.namespace} is ready: closed workflows are kept for ${found.retentionDays} days.\n`);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`temporal:setup: ${oneLine(error)}${error instanceof Error && error.cause ? ` (${deepestLine(error.cause)})` : ''}\n`);
  process.exitCode = 1;
}
