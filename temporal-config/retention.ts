/** Long enough to look at what happened last week, and the days in which a restored database can be recovered from Temporal. */
export const RETENTION_DAYS_DEFAULT = 7;
const RETENTION_DAYS_MAX = 365;

/** How long Temporal keeps what has closed, days: TEMPORAL_RETENTION_DAYS, or 7. Throws one line. */
export function retentionDaysFrom(env: NodeJS.ProcessEnv): number {
  const text = env['TEMPORAL_RETENTION_DAYS'];
  if (!text) return RETENTION_DAYS_DEFAULT;
  const days = Number(text);
  if (!/^[0-9]{1,3}$/.test(text) || days < 1 || days > RETENTION_DAYS_MAX) throw new Error(`TEMPORAL_RETENTION_DAYS must be a whole number of days from 1 to ${RETENTION_DAYS_MAX}.`);
  return days;
}
