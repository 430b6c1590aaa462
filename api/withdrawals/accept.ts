import { randomBytes } from 'node:crypto';
import type { CrashPoint } from '../../db/crash-point.ts';
import type { Database } from '../../db/client.ts';
import { acceptWithdrawal, findAcceptance, type Acceptance, type IdempotencyClaim, type NewWithdrawal } from '../../db/repositories/withdrawals/accept-withdrawal.ts';
import type { NewAuditRecord } from '../../db/repositories/audit/audit-log.ts';
import type { Asset } from '../../db/repositories/assets.ts';
import { readListing } from '../../db/repositories/policy/listed-addresses.ts';
import type { WithdrawalRow } from '../../db/repositories/withdrawals/withdrawals.ts';
import { assertPayable, parseAddress } from '../../domain/address.ts';
import { EngineError } from '../../domain/errors.ts';
import { formatAmount, parseAmount, type BaseUnits } from '../../domain/money.ts';
import { judge, type Policy, type PolicyFacts } from '../../domain/policy.ts';
import { makeRequestId } from '../../domain/request-id.ts';
import { sealRequest } from '../../domain/seal.ts';
import type { ChainSettings } from '../../domain/settings.ts';
import { nameShown } from '../errors/name-shown.ts';
import type { NewWithdrawalBody } from '../schemas/withdrawal.ts';
import { bodyHash, sha256Hex } from './body-hash.ts';

export interface AcceptDependencies {
  database: Database;
  chain: ChainSettings;
  sealKey: Uint8Array;
  crashPoint: CrashPoint;
  /** an asset of this deployment's network, enabled or not */
  findAsset(currency: string): Promise<Asset | undefined>;
  ownWallets(): Promise<readonly string[]>;
  /** null: none is in force, and what is accepted waits for one */
  livePolicy(): Promise<Policy | null>;
}

export interface AcceptRequest {
  ownerId: number;
  /** the owner's e-mail address */
  client: string;
  correlationId: string;
  idempotencyKey: string;
  body: NewWithdrawalBody;
  /** makes the audit log's row of this call, written with the withdrawal */
  audit: (outcome: { status: number; target: string; after: unknown }) => NewAuditRecord;
}

export interface AcceptResult {
  row: WithdrawalRow;
  /** false for a repeat of an earlier request */
  isNew: boolean;
  /** SHA-256 of the idempotency key, hex */
  keyHash: string;
  /** SHA-256 of the canonical body, hex */
  bodyHash: string;
}

/**
 * Accepts a withdrawal, or finds the one that the same key and body made before. Refuses with a code of the catalogue,
 * and a refused request writes nothing. Called twice, also at once and also after a crash in the middle, it makes one
 * withdrawal. The key is looked up first: an accepted request keeps its answer when limits or assets change later.
 */
export async function accept(deps: AcceptDependencies, request: AcceptRequest): Promise<AcceptResult> {
  const keyHash = sha256Hex(request.idempotencyKey);
  const claim = { ownerId: request.ownerId, keyHash, bodyHash: bodyHash(request.body) };
  const earlier = await findAcceptance(deps.database, claim);
  if (earlier) return settle(earlier, claim);
  const withdrawal = await assertAcceptable(deps, request);
  const acceptance = await acceptWithdrawal(deps.database, claim, withdrawal, auditOf(request, withdrawal), new Date());
  if (acceptance.kind === 'accepted') deps.crashPoint('row-committed');
  return settle(acceptance, claim);
}

function auditOf({ audit }: AcceptRequest, { requestId, amount, decimals, currency, network, toAddress }: NewWithdrawal): NewAuditRecord {
  return audit({ status: 202, target: requestId, after: { status: 'PENDING', amount: formatAmount(amount, decimals), currency, network, toAddress } });
}

function settle(acceptance: Acceptance, claim: Pick<IdempotencyClaim, 'keyHash' | 'bodyHash'>): AcceptResult {
  if (acceptance.kind === 'conflict') throw new EngineError('IDEMPOTENCY_CONFLICT');
  return { row: acceptance.row, isNew: acceptance.kind === 'accepted', keyHash: claim.keyHash, bodyHash: claim.bodyHash };
}

/** Everything that can be known without the chain, and without counting. */
async function assertAcceptable(deps: AcceptDependencies, { ownerId, client, correlationId, body }: AcceptRequest): Promise<NewWithdrawal> {
  const { network, chainId } = deps.chain;
  if (body.network !== network) throw new EngineError('UNSUPPORTED_NETWORK', nameShown('network', body.network));
  const asset = await deps.findAsset(body.currency);
  if (!asset?.enabled) throw new EngineError('UNSUPPORTED_CURRENCY', nameShown('currency', body.currency));
  const toAddress = parseAddress(body.toAddress);
  assertPayable(toAddress, { tokenAddress: asset.tokenAddress, ownWallets: await deps.ownWallets() });
  const amount = parseAmount(body.amount, asset.decimals);
  assertWithinLimits(amount, asset);
  await assertNotDenied(deps, { network, currency: asset.currency, decimals: asset.decimals, amount, client, ownerId, toAddress });
  const requestId = makeRequestId(Date.now(), randomBytes(10));
  const sealed = { requestId, ownerId, chainId, currency: asset.currency, decimals: asset.decimals, tokenAddress: asset.tokenAddress, toAddress, amount };
  return { ...sealed, correlationId, network, seal: sealRequest(deps.sealKey, sealed) };
}

function assertWithinLimits(amount: BaseUnits, asset: Asset): void {
  const { currency, decimals, minAmount, maxAmount } = asset;
  if (amount < minAmount) throw new EngineError('INVALID_AMOUNT', { reason: 'below-minimum', minimum: formatAmount(minAmount, decimals), currency });
  if (amount > maxAmount) throw new EngineError('LIMIT_EXCEEDED', { maximum: formatAmount(maxAmount, decimals), currency });
}

/** What the policy denies whatever else happens is refused here; what depends on limits or wallets is judged where they are held. */
async function assertNotDenied(deps: AcceptDependencies, asked: Omit<PolicyFacts, 'destination'> & { ownerId: number; toAddress: string }): Promise<void> {
  const [policy, { destination }] = await Promise.all([deps.livePolicy(), readListing(deps.database, asked)]);
  if (!policy) return;
  const verdict = judge(policy, { ...asked, destination });
  if (verdict.kind === 'denied') throw new EngineError(verdict.code, verdict.limit ? { reason: verdict.limit.name, maximum: verdict.limit.maximum, currency: asked.currency } : {});
}
