import { createAwsSecretStore } from '../activities/custody/aws-secret-store.ts';
import { SecretStoreUnavailableError } from '../activities/custody/secret-store.ts';
import { openDatabase } from '../db/client.ts';
import { isDatabaseUnavailable } from '../db/connection-lost.ts';
import { parseAddress, type Address } from '../domain/address.ts';
import { createOrImport, rotateKeys, showAddresses, verifyKeys, type KeysContext } from './keys/commands.ts';
import { keysConfig, newKeyEncryptionKey, type KeysConfig } from './keys/config.ts';
import { EXIT, UsageError } from './command-line/exit-codes.ts';
import { readPrivateKey } from './keys/read-private-key.ts';
import { replaceWallet } from './keys/replace-wallet.ts';
import { reasonOf } from './reconcile/failure.ts';
import { UserError } from './command-line/user-error.ts';

const COMMANDS = ['create', 'import', 'rotate', 'show-address', 'verify'] as const;
type Command = (typeof COMMANDS)[number];

const HELP = `Usage: npm run keys -- <command>

  create        make a key, seal it, store it, add its wallet
  import        the same for a key read from standard input: 64 hex digits, with or without 0x
                  npm run --silent keys -- import < file
  show-address  list the wallets' addresses, key ids and statuses; opens no key
  verify        open every key and check that it is its wallet's
  rotate --kek  seal every key of the chain again under NEW_KEY_ENCRYPTION_KEY. The old blob stays current until the new
                  one was read back and opened, and the store keeps it as the previous version: keep the old
                  key-encryption key as long as that matters. If it is interrupted run it again: it does what is left.
                  Then give signing-service the new key as KEY_ENCRYPTION_KEY and restart it; with the old one it signs
                  for a minute at most. Wallets and their private keys stay the same.
  rotate --wallet ADDRESS
                put a new wallet in the place of this one: makes its key and wallet, drains the old one (it is bound to
                  nothing new and pays what it is bound to), and says what is left. Run it again until it ends with 0;
                  it makes no second successor. The new wallet pays once it was funded. No key is deleted.

No command prints, returns or logs a private key, and none overwrites or deletes one.

Variables: KEY_ENCRYPTION_KEY (32 bytes, base64), AWS_REGION and the usual AWS variables (AWS_ENDPOINT_URL),
POLYGON_CHAIN_ID, DATABASE_URL (without it no wallet is added or read). With none of KEY_ENCRYPTION_KEY, AWS_REGION and
AWS_ENDPOINT_URL set, the sandbox of this checkout is meant; it must be running, and rotate stores its new key itself.

Ends with 0 if all went well; 1 if a key is missing, does not open or was refused; 2 on wrong arguments or variables;
3 if the secret store or the database cannot be reached; 4 while a wallet that is replaced still owes something.
`;

async function main(args: readonly string[]): Promise<number> {
  if (args.length === 0 || args.includes('--help') || args.includes('-h')) {
    process.stdout.write(HELP);
    return args.length === 0 ? EXIT.usage : EXIT.ok;
  }
  const command = COMMANDS.find((name) => name === args[0]);
  // Arguments are not quoted: somebody may have given a key.
  if (command === undefined) throw new UsageError(`there is no such command; there are ${COMMANDS.join(', ')} (see --help)`);
  const rotation = command === 'rotate' ? rotationIn(args.slice(1)) : null;
  if (command !== 'rotate' && args.length > 1) {
    throw new UsageError(`${command} takes no arguments; a private key comes on standard input only, and one that was typed on a command line must be taken for disclosed`);
  }
  const config = keysConfig(process.env);
  const secretStore = createAwsSecretStore(config.secretStore);
  const database = config.databaseUrl === null ? null : openDatabase(config.databaseUrl, { connectionsMax: 1 });
  try {
    return await run(command, rotation, config, { ...config, secretStore, database: database?.db ?? null, print: (line) => process.stdout.write(`${line}\n`) });
  } finally {
    config.keyEncryptionKey.fill(0);
    secretStore.close();
    await database?.close();
  }
}

async function run(command: Command, rotation: Rotation | null, config: KeysConfig, context: KeysContext): Promise<number> {
  switch (command) {
    case 'create':
      return await createOrImport(context);
    case 'import':
      return await importKey(context);
    case 'show-address':
      return await showAddresses(context);
    case 'verify':
      return await verifyKeys(context);
    case 'rotate':
      return rotation?.wallet === undefined ? await rotate(config, context) : await replaceWallet(context, rotation.wallet);
  }
}

/** What is rotated: the key-encryption key, or one wallet. */
type Rotation = { wallet?: Address };

/** Does not quote the arguments: one of them may be a key. */
function rotationIn(args: readonly string[]): Rotation {
  const [what, address] = args;
  if (what === '--kek' && args.length === 1) return {};
  if (what !== '--wallet' || args.length !== 2) throw new UsageError('say rotate --kek, or rotate --wallet and an address (see --help)');
  try {
    return { wallet: parseAddress(address ?? '') };
  } catch (cause) {
    throw new UsageError('what follows --wallet is no address', { cause });
  }
}

async function importKey(context: KeysContext): Promise<number> {
  // A terminal would show the key and keep it in its scroll-back.
  if (process.stdin.isTTY) throw new UsageError('give the private key by a pipe or a file, not typed: npm run --silent keys -- import < file');
  const privateKey = await readPrivateKey(process.stdin);
  try {
    return await createOrImport(context, privateKey);
  } finally {
    privateKey.fill(0);
  }
}

async function rotate(config: KeysConfig, context: KeysContext): Promise<number> {
  const next = newKeyEncryptionKey(process.env);
  try {
    const exitCode = await rotateKeys(context, next);
    if (exitCode !== EXIT.ok) return exitCode;
    config.adoptKeyEncryptionKey?.(next);
    const what = config.adoptKeyEncryptionKey === null ? 'set KEY_ENCRYPTION_KEY to the new key and restart signing-service' : 'restart the sandbox (npm stop, npm start)';
    context.print(`now ${what}`);
    return exitCode;
  } finally {
    next.fill(0);
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError || error instanceof UserError) return EXIT.usage;
  return error instanceof SecretStoreUnavailableError || isDatabaseUnavailable(error) ? EXIT.unavailable : EXIT.failed;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`keys: ${reasonOf(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
