import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import { findGo } from './go.ts';
import { cacheDir } from './paths.ts';

const VERSION = '2.9.1';
const BUILD_TIMEOUT_MS = 10 * 60_000;

const GO_MOD = `module compose-config

go 1.24

require github.com/compose-spec/compose-go/v2 v${VERSION}
`;

/** Loads compose files as "docker compose config" does, by the same library, and prints the project as JSON. */
const MAIN = `package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	options, err := cli.NewProjectOptions(os.Args[1:], cli.WithOsEnv, cli.WithDefaultProfiles())
	if err != nil {
		fail(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		fail(err)
	}
	text, err := json.Marshal(project)
	if err != nil {
		fail(err)
	}
	fmt.Println(string(text))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
`;

/**
 * The loader of Compose without Docker: checks files against the specification, fills in variables, merges override files, resolves
 * what depends on what. Built by Go into the cache. Only tests use it. Called by several processes at once, the last one stays.
 * @returns the program, or undefined where there is no Go: takes the files, ends with 1 and says why where they are wrong
 */
export async function ensureComposeConfig(logFile: string): Promise<string | undefined> {
  // By what it is made of: one built before its source was changed is another program.
  const target = join(cacheDir(), `compose-config-${createHash('sha256').update(GO_MOD + MAIN).digest('hex').slice(0, 12)}`);
  if (existsSync(target)) return target;
  const go = findGo();
  if (go === undefined) return undefined;
  mkdirSync(cacheDir(), { recursive: true });
  const work = mkdtempSync(join(cacheDir(), 'compose-config-'));
  try {
    writeFileSync(join(work, 'go.mod'), GO_MOD);
    writeFileSync(join(work, 'main.go'), MAIN);
    const env = { ...process.env, GOFLAGS: '-mod=mod', CGO_ENABLED: '0' };
    await runCommand(go, ['build', '-o', 'compose-config', '.'], { logFile, timeoutMs: BUILD_TIMEOUT_MS, env, cwd: work, advice: 'check that the Go module proxy can be reached and try again' });
    renameSync(join(work, 'compose-config'), target);
    return target;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
