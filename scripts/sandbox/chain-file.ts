import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { SANDBOX_CONTRACT_NAMES, type SandboxContractName } from '../../activities/chain/contracts/compile.ts';

export type TokenAddresses = Readonly<Record<SandboxContractName, string>>;

/** What was done to the embedded chain. */
export interface ChainFile {
  readonly chainId: number;
  /** EIP-55, by contract name. */
  readonly tokens: TokenAddresses;
  /** Wallets that have had their starting funds. */
  readonly funded: readonly string[];
}

/** The file, or undefined where there is none or it is of another shape. */
export function readChainFile(file: string): ChainFile | undefined {
  if (!existsSync(file)) return undefined;
  const value = JSON.parse(readFileSync(file, 'utf8')) as Partial<ChainFile>;
  const complete = value.chainId !== undefined && Array.isArray(value.funded) && SANDBOX_CONTRACT_NAMES.every((name) => value.tokens?.[name] !== undefined);
  return complete ? (value as ChainFile) : undefined;
}

export function writeChainFile(file: string, content: ChainFile): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o644, flush: true });
  renameSync(`${file}.new`, file);
}
