import { requestIdOf, workflowIdOf } from '../../domain/request-id.ts';
import { SEARCH_ATTRIBUTES } from '../search-attributes.ts';

/** A workflow execution as the Temporal CLI prints it. */
export interface Execution {
  execution: { workflowId: string; runId: string };
  status: string;
  startTime: string;
  closeTime?: string;
  searchAttributes?: { indexedFields?: Record<string, { data?: string }> };
}

/** What the list shows of one withdrawal. */
export interface ListedWithdrawal {
  /** of a run that somebody started by hand under another id, that id */
  requestId: string;
  status: string;
  currency: string;
  wallet: string;
  deadLetterClass: string;
  /** Temporal's own word for the run, without its prefix */
  run: string;
  startedAt: string;
}

export function listed({ execution, status, startTime, searchAttributes }: Execution): ListedWithdrawal {
  const value = ({ name }: { name: string }) => textOf(searchAttributes?.indexedFields?.[name]?.data);
  const requestId = requestIdOf(execution.workflowId);
  return {
    requestId: execution.workflowId === workflowIdOf(requestId) ? requestId : execution.workflowId,
    status: value(SEARCH_ATTRIBUTES.status),
    currency: value(SEARCH_ATTRIBUTES.currency),
    wallet: value(SEARCH_ATTRIBUTES.wallet),
    deadLetterClass: value(SEARCH_ATTRIBUTES.deadLetterClass),
    run: runStatusOf(status),
    startedAt: startTime,
  };
}

export function runStatusOf(status: string): string {
  return status.replace(/^WORKFLOW_EXECUTION_STATUS_/, '');
}

/** A search attribute is JSON in base64, and null or absent where it was never set. */
function textOf(data: string | undefined): string {
  const value: unknown = data === undefined ? null : JSON.parse(Buffer.from(data, 'base64').toString('utf8'));
  return typeof value === 'string' ? value : '';
}
