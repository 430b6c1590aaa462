import { checkKey } from '../../activities/custody/check-key.ts';
import { createKey, type CreatedKey } from '../../activities/custody/create-key.ts';
import { addressOfKeyId, keyIdPrefix } from '../../activities/custody/key-id.ts';
import { rotateKey } from '../../activities/custody/rotate-key.ts';
import { SecretStoreUnavailableError, type SecretStore } from '../../activities/custody/secret-store.ts';
import type { Database } from '../../db/client.ts';
import { addWallet, listWallets } from '../../db/repositories/wallets/wallets.ts';
import type { Address } from '../../domain/address.ts';
import { auditedByCommand } from '../audit/audited-by-command.ts';
import { oneLine } from '../command-line/user-error.ts';
import { EXIT } from '../command-line/exit-codes.ts';

/** What every command works with. */
export interface KeysContext {
  readonly chainId: number;
  readonly secretStore: SecretStore;
  readonly keyEncryptionKey: Buffer;
  /** null where there is no DATABASE_URL: then wallets are neither read nor added. */
  readonly database: Database | null;
  readonly print: (line: string) => void;
}

interface KnownKey {
  readonly keyId: string;
  readonly address: Address;
  /** The wallet's status, or why there is none. */
  readonly wallet: string;
}

/**
 * Makes a key, or stores the given one, and adds its wallet. The database is asked first, so that an unreachable one
 * leaves no key without a wallet behind. With the same private key a second call changes nothing.
 */
export async function createOrImport(context: KeysContext, privateKey?: Buffer): Promise<number> {
  const { chainId, database } = context;
  if (database === null) return (await makeKey(context, privateKey)).exitCode;
  await listWallets(database, chainId);
  const kind = privateKey === undefined ? 'create' : 'import';
  return auditedByCommand(database, { command: `keys ${kind}`, action: `signing-key.${kind}` }, async (trail) => {
    const { address, keyId, exitCode } = await makeKey(context, privateKey);
    trail.target('wallet', address);
    trail.after({ chainId, address, keyId });
    return exitCode;
  });
}

async function makeKey({ chainId, secretStore, keyEncryptionKey, database, print }: KeysContext, privateKey: Buffer | undefined): Promise<CreatedKey & { exitCode: number }> {
  const created: CreatedKey = await createKey({ secretStore, keyEncryptionKey, chainId, ...(privateKey === undefined ? {} : { privateKey }) });
  if (database !== null) await addWallet(database, { chainId, ...created });
  print(`${created.address} ${created.keyId}${database === null ? ' (no DATABASE_URL: its wallets row is not added)' : ''}`);
  return { ...created, exitCode: EXIT.ok };
}

/** Prints each wallet's address, key id and status. Opens no key. */
export async function showAddresses(context: KeysContext): Promise<number> {
  const keys = await knownKeys(context);
  for (const { address, keyId, wallet } of keys) context.print(`${address} ${keyId} ${wallet}`);
  if (keys.length === 0) context.print(`no keys on chain ${context.chainId}`);
  return EXIT.ok;
}

/** Opens every key and checks that it is its wallet's. Goes on after a bad one; fails if any is. */
export async function verifyKeys(context: KeysContext): Promise<number> {
  return await forEachKey(context, async (key) => {
    const { version } = await checkKey({ ...context, ...key });
    return `ok, version ${version}, ${key.wallet}`;
  });
}

/**
 * Seals every key again under the new key-encryption key. Goes on after a bad one; called again it does what is left.
 */
export async function rotateKeys(context: KeysContext, newKeyEncryptionKey: Buffer): Promise<number> {
  const { chainId, database } = context;
  const versions: Record<string, number> = {};
  const rotate = () =>
    forEachKey(context, async (key) => {
      const { outcome, version } = await rotateKey({ ...context, ...key, newKeyEncryptionKey });
      versions[key.address] = version;
      return outcome === 'ROTATED' ? `rotated, version ${version}` : `was rotated before, version ${version}`;
    });
  if (database === null) return rotate();
  return auditedByCommand(database, { command: 'keys rotate', action: 'signing-key.rotate', target: { kind: 'chain', id: String(chainId) } }, async (trail) => {
    const exitCode = await rotate();
    trail.after({ versions });
    return exitCode;
  });
}

async function forEachKey(context: KeysContext, action: (key: KnownKey) => Promise<string>): Promise<number> {
  const keys = await knownKeys(context);
  let exitCode: number = EXIT.ok;
  for (const key of keys) {
    try {
      context.print(`${key.address} ${await action(key)}`);
    } catch (error) {
      context.print(`${key.address} FAILED: ${oneLine(error)}`);
      const code = error instanceof SecretStoreUnavailableError ? EXIT.unavailable : EXIT.failed;
      exitCode = exitCode === EXIT.failed ? EXIT.failed : code;
    }
  }
  if (keys.length === 0) context.print(`no keys on chain ${context.chainId}`);
  return exitCode;
}

/** The wallets' keys, and the store's keys that no wallet names, by address. */
async function knownKeys({ chainId, secretStore, database }: KeysContext): Promise<KnownKey[]> {
  const rows = database === null ? [] : await listWallets(database, chainId);
  const named = new Set(rows.map((row) => row.keyId));
  const stored = (await secretStore.list(keyIdPrefix(chainId))).filter((keyId) => !named.has(keyId));
  const keys = [
    ...rows.map(({ keyId, address, status }) => ({ keyId, address: address as Address, wallet: status })),
    ...stored.map((keyId) => ({ keyId, address: addressOfKeyId(chainId, keyId), wallet: database === null ? 'wallet not asked for' : 'no wallet' })),
  ];
  return keys.toSorted((left, right) => (left.address.toLowerCase() < right.address.toLowerCase() ? -1 : 1));
}
