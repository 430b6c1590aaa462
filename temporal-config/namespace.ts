import { connectTo, type TemporalPlace } from './connection.ts';
import { RETENTION_DAYS_DEFAULT } from './retention.ts';
import { missingSearchAttributes } from './search-attributes.ts';

const SECONDS_A_DAY = 86_400;
/** gRPC status codes */
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

/** What Temporal lacks before the engine can use it. */
export interface MissingInTemporal {
  namespace: boolean;
  /** by name; empty while the namespace itself is missing */
  searchAttributes: string[];
}

/** Asks whether namespace and search attributes are there. */
export async function missingInTemporal(settings: TemporalPlace): Promise<MissingInTemporal> {
  const connection = await connectTo(settings);
  try {
    await connection.workflowService.describeNamespace({ namespace: settings.namespace });
    return { namespace: false, searchAttributes: await missingSearchAttributes(connection, settings.namespace) };
  } catch (error) {
    if (codeOf(error) === NOT_FOUND) return { namespace: true, searchAttributes: [] };
    throw error;
  } finally {
    await connection.close();
  }
}

/** Registers the namespace unless it is there; one that is keeps its retention. Called twice: the second call changes nothing. It takes some seconds to be known everywhere. */
export async function ensureNamespace(settings: TemporalPlace, retentionDays = RETENTION_DAYS_DEFAULT): Promise<void> {
  const connection = await connectTo(settings);
  try {
    await connection.workflowService.registerNamespace({ namespace: settings.namespace, workflowExecutionRetentionPeriod: { seconds: (retentionDays * SECONDS_A_DAY) as never } });
  } catch (error) {
    if (codeOf(error) !== ALREADY_EXISTS) throw error;
  } finally {
    await connection.close();
  }
}
