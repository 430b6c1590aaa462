import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export type Target = 'engine' | 'sandbox' | 'ops';

/** A service as docker/compose.yaml describes it, anchors and merges resolved, variables not. */
export interface Service {
  image: string;
  user: string;
  command?: string[];
  entrypoint?: string[];
  environment?: Record<string, string>;
  secrets?: string[];
  volumes?: string[];
  networks: string[];
  ports?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  restart: string;
  read_only: boolean;
  tmpfs: string[];
  cap_drop: string[];
  security_opt: string[];
  mem_limit?: string;
  pids_limit: number;
  init?: boolean;
  build?: { target: Target };
  profiles?: string[];
  pull_policy?: string;
}

export interface ComposeFile {
  text: string;
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean }>;
  volumes: Record<string, unknown>;
  secrets: Record<string, { file: string }>;
}

export function readComposeFile(): ComposeFile {
  const text = readFileSync(new URL('compose.yaml', import.meta.url), 'utf8');
  return { text, ...(parse(text, { merge: true }) as Omit<ComposeFile, 'text'>) };
}

/** What people run by hand, and `up` does not. */
export const isByHand = (service: Service): boolean => service.profiles !== undefined;

/** What runs once before others, and not at the same time. */
export const isOnce = (service: Service): boolean => service.restart === 'no';

/** The target of docker/Dockerfile that a service runs, or undefined where its image is somebody else's. */
export function targetOf({ image }: Service): Target | undefined {
  const ours = /^withdrawal-engine(?:-(sandbox|ops))?:/.exec(image);
  return ours ? ((ours[1] ?? 'engine') as Target) : undefined;
}

/** Fills in `${NAME:-default}` as Compose does with nothing set. */
export function withDefaults(text: string): string {
  return text.replaceAll(/\$\{[A-Z_]+:-([^}]*)\}/g, '$1');
}
