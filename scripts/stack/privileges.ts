import { spawnSync } from 'node:child_process';
import { findExecutable } from './command.ts';

/** The five roles of the engine and the codec server beside them, by the names that logs, metrics and pid files use. */
export const ROLES = ['api-server', 'withdrawal-worker', 'signing-service', 'tx-broadcaster', 'tx-monitor', 'codec-server'] as const;
export type Role = (typeof ROLES)[number];

export const INFRASTRUCTURE = ['mariadb', 'redis', 'temporal', 'temporal-ui', 'anvil', 'moto'] as const;
export type InfrastructurePart = (typeof INFRASTRUCTURE)[number];
export type ChildName = Role | InfrastructurePart;

/** Owner of the secrets' files; no process runs as this user, so only one with CAP_DAC_OVERRIDE can open them. */
export const SECRETS_UID = 64_001;
export const SECRETS_GID = 64_001;

// The kernel lets one process look into another (environment, memory, open files) only where user *and* group are the
// same, or with CAP_SYS_PTRACE. Each child has a group of its own and no capability, so none can look into another.
const GROUP_IDS: Readonly<Record<ChildName, number>> = {
  'api-server': 64_011,
  'withdrawal-worker': 64_012,
  'signing-service': 64_013,
  'tx-broadcaster': 64_014,
  'tx-monitor': 64_015,
  'codec-server': 64_016,
  mariadb: 64_021,
  redis: 64_022,
  temporal: 64_023,
  anvil: 64_024,
  moto: 64_025,
  'temporal-ui': 64_026,
};

export function groupIdOf(name: ChildName): number {
  return GROUP_IDS[name];
}

function setprivArguments(groupId: number): readonly string[] {
  return [`--regid=${groupId}`, '--clear-groups', '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs', '--'];
}

let setprivPath: string | undefined | null = null;

/** The `setpriv` to launch children with, or undefined where children cannot be confined (not root, or not Linux). */
function usableSetpriv(): string | undefined {
  if (setprivPath !== null) return setprivPath;
  const found = process.getuid?.() === 0 && process.platform === 'linux' ? findExecutable('setpriv') : undefined;
  // A container may withhold the rights that dropping rights takes: try it once.
  const works = found !== undefined && spawnSync(found, [...setprivArguments(SECRETS_GID), 'true']).status === 0;
  setprivPath = works ? found : undefined;
  return setprivPath;
}

/** Whether roles are kept from each other's secrets by the kernel, and not only by file modes. */
export function canConfine(): boolean {
  return usableSetpriv() !== undefined;
}

/**
 * The exact command line under which a child runs: as root, through `setpriv`, which drops every capability, gives the
 * child its own group and then *becomes* the command (the pid stays). Otherwise the command itself.
 */
export function roleCommand(name: ChildName, command: string, args: readonly string[]): { command: string; args: string[] } {
  const setpriv = usableSetpriv();
  if (setpriv === undefined) return { command, args: [...args] };
  return { command: setpriv, args: [...setprivArguments(groupIdOf(name)), command, ...args] };
}
