import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { clientTypes, type OpenApiDocument } from './generate-client/client-types.ts';
import { apiDocument } from './generate-client/document.ts';
import { PROJECT_ROOT } from './stack/paths.ts';

const HELP = `Usage: npm run generate:client

Writes api/client/schema.ts, the types of every call, from the API's OpenAPI document. Nothing has to run. Commit the file: a
test fails while it is not what the document says.`;

try {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h', default: false } } });
  if (values.help) console.log(HELP);
  else writeFileSync(join(PROJECT_ROOT, 'api/client/schema.ts'), clientTypes((await apiDocument()) as OpenApiDocument));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
