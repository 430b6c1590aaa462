import { readSecretFiles } from './read-secret-files.ts';

/** Loaded before the script that a container runs: `node --import ./docker/secret-files.ts SCRIPT`. */
try {
  readSecretFiles(process.env);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(2);
}
