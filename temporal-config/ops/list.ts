import { countOf, readArguments } from './arguments.ts';
import type { OpsCommand } from './command.ts';
import { listed, type Execution } from './executions.ts';
import { OpsError } from './ops-error.ts';
import { LISTED_STATUSES, visibilityQuery } from './visibility-query.ts';

const LIMIT = '50';
const LIMIT_MAX = 10_000;

export const list: OpsCommand = {
  name: 'list',
  summary: 'withdrawals by status, currency, wallet or dead-letter class',
  help: `list [--status S] [--currency C] [--wallet ADDRESS] [--class permanent|transient|unknown] [--open] [--limit N] [--json]

  --status    one of ${LISTED_STATUSES.join(', ')}. Temporal is told of waits
              and ends only: what is on its way is PENDING
  --wallet    the hot wallet that pays
  --class     of the newest dead letter, while it waits
  --open      only those whose workflow has not ended
  --limit     ${LIMIT} unless given, ${LIMIT_MAX} at most
  --json      one JSON object a line

Newest first. Ended ones are listed as long as the namespace keeps them; the database keeps all (GET /admin/transactions).`,

  async run(args, { temporal, print, table }) {
    const { values, positionals } = readArguments(args, {
      status: { type: 'string' }, currency: { type: 'string' }, wallet: { type: 'string' }, class: { type: 'string' },
      open: { type: 'boolean' }, limit: { type: 'string', default: LIMIT }, json: { type: 'boolean' },
    });
    if (positionals.length > 0) throw new OpsError('usage', 'list takes no arguments but its options (see --help)');
    const query = visibilityQuery({ ...values, deadLetterClass: values.class });
    const limit = countOf('limit', values.limit, LIMIT_MAX);
    const found = (await temporal.json<Execution[] | null>(['workflow', 'list', '--query', query, '--limit', String(limit)])) ?? [];
    const rows = found.map(listed);
    if (values.json) {
      for (const row of rows) print(JSON.stringify(row));
      return;
    }
    table(['requestId', 'status', 'currency', 'wallet', 'class', 'run', 'started'], rows.map((row) => [row.requestId, row.status, row.currency, row.wallet, row.deadLetterClass, row.run, row.startedAt]));
    print(rows.length === limit ? `the first ${limit}; --limit N shows more` : `${rows.length} found`);
  },
};
