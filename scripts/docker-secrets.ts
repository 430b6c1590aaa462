import { join } from 'node:path';
import { openMountedFiles } from './docker/open-mounted-files.ts';
import { writeSecrets } from './docker/write-secrets.ts';
import { PROJECT_ROOT } from './stack/paths.ts';
import { plainCommand } from './command-line/plain-command.ts';

const HELP = `Usage: npm run docker:secrets

Makes the secrets that docker/compose.yaml mounts, in docker/secrets/ (ignored by git, open to its owner alone). One that is there
is never replaced: keep a copy of the folder where it is safe, for without it wallets, seals and payloads cannot be opened.
Also lets the containers' users read what lies there, and the configuration files that are mounted from this checkout.
`;

await plainCommand(HELP, 'The secrets could not be made', async () => {
  openMountedFiles(PROJECT_ROOT);
  const made = writeSecrets(join(PROJECT_ROOT, 'docker', 'secrets'));
  return made.length === 0 ? 'Every secret is there already; none was replaced.' : `Made in docker/secrets/: ${made.join(', ')}.`;
});
