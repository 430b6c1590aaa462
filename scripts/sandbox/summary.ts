import type { SandboxAddresses } from '../stack/lock.ts';
import { canConfine } from '../stack/privileges.ts';

/** What a person needs to know once everything runs. */
export function summary(addresses: SandboxAddresses, detached: boolean): string {
  const lines = [
    '',
    `  API              ${addresses.baseUrl}`,
    `  API docs         ${addresses.baseUrl}/docs`,
    ...(addresses.temporalUiUrl === null ? [] : [`  Temporal Web UI  ${addresses.temporalUiUrl}`]),
    `  Read payloads    ${addresses.codecUrl}/sign-in`,
    `  Credentials      ${addresses.credentialsFile}`,
    `  Logs             ${addresses.logsDir}`,
    '',
    detached ? '  Running in the background; "npm stop" ends it.' : '  Ctrl-C stops everything.',
  ];
  if (!canConfine()) {
    lines.push('  Note: not started as root, so the roles run as one user, and only file modes keep them from each other.');
  }
  return `${lines.join('\n')}\n`;
}
