import type { ChildName } from './privileges.ts';

/** How to run one child process of the sandbox, and how to know that it works. */
export interface ChildSpec {
  readonly name: ChildName;
  readonly command: string;
  readonly args: readonly string[];
  /** The child's own variables; computed at each start, so that no secret is held meanwhile. */
  readonly env: () => Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Asks the real thing (SQL, PING, JSON-RPC, HTTP) once; throws while it is not ready. Must bound itself. */
  readonly probe: () => Promise<void>;
  /** How long the first start may take. */
  readonly readyTimeoutMs: number;
  /** How long a clean stop may take before SIGKILL. */
  readonly stopTimeoutMs: number;
  /** Before each start of the process, restarts included. */
  readonly beforeStart?: () => Promise<void>;
  /** After each start, once the probe succeeds, restarts included; the child counts as ready only afterwards. */
  readonly afterReady?: () => Promise<void>;
  /** How many times it may end before its first readiness until the start is given up. */
  readonly exitsBeforeReadyMax: number;
}

/** The little that every child gets; never the environment of the one who starts it. */
export function minimalEnv(): Record<string, string> {
  const names = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'];
  const kept = names.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(kept);
}
