import type { AlertKind } from '../../domain/alerts.ts';
import { formatAmount, formatSignedAmount } from '../../domain/money.ts';
import { hoursLeft, judgeRunway } from '../../domain/runway.ts';
import type { Settings } from '../../domain/settings.ts';
import type { Database } from '../../db/client.ts';
import { listAlertedSubjects, raiseAlert, resolveAlert } from '../../db/repositories/operations/alerts.ts';
import { NATIVE } from '../../db/repositories/wallets/wallet-observations.ts';
import type { WalletRow } from '../../db/repositories/wallets/wallets.ts';
import type { ActivityLog } from '../failure.ts';
import type { SeenAsset } from './look-at-wallet.ts';

/** Every coin in use has these. */
const NATIVE_DECIMALS = 18;

interface Condition {
  kind: Extract<AlertKind, 'GAS_RUNNING_OUT' | 'TOKEN_RUNNING_OUT'>;
  subject: string;
  hours: number | null;
  /** too little whatever the rate says */
  belowFloor: boolean;
  detail: Record<string, string | number | null>;
}

/**
 * Raises and resolves what a person is called for because a wallet's money runs out. Called twice: an alert is open once. A
 * draining wallet is not to be filled up again, so nobody is called for it; nothing else depends on the status, since a paused
 * wallet comes back.
 */
export async function judgeWallet(ports: { db: Database; settings: Settings; log: ActivityLog }, wallet: WalletRow, seen: readonly SeenAsset[], waiting: ReadonlyMap<string, bigint>): Promise<void> {
  const { db, settings, log } = ports;
  const conditions = seen.flatMap((asset) => conditionsOf(settings, wallet, asset, waiting));
  for (const { kind, subject, hours, belowFloor, detail } of conditions) {
    const runway = wallet.status === 'DRAINING' ? 'ample' : judgeRunway(hours, belowFloor, settings.treasury.alertHours);
    if (runway === 'short' && (await raiseAlert(db, { kind, chainId: wallet.chainId, subject, detail }))) log.error({ wallet: wallet.address, alert: kind, ...detail }, "a hot wallet's money runs out");
    if (runway === 'ample' && (await resolveAlert(db, kind, subject))) log.warn({ wallet: wallet.address, alert: kind, ...detail }, 'alert resolved');
  }
  // Nobody looks at an asset that was switched off.
  const judged = new Set(conditions.map(({ subject }) => subject));
  const gone = [...(await listAlertedSubjects(db, 'TOKEN_RUNNING_OUT'))].filter((subject) => subject.startsWith(`${wallet.address} `) && !judged.has(subject));
  for (const subject of gone) await resolveAlert(db, 'TOKEN_RUNNING_OUT', subject);
}

/** Of the coin two: as gas for everything, by the rate; and as what withdrawals of it wait for. */
function conditionsOf(settings: Settings, { address }: WalletRow, { asset, observation, available }: SeenAsset, waiting: ReadonlyMap<string, bigint>): Condition[] {
  const hours = hoursLeft(available, observation.spendPerHour);
  const isNative = observation.asset === NATIVE;
  const decimals = asset?.decimals ?? NATIVE_DECIMALS;
  const shown = { hoursLeft: hours, available: formatSignedAmount(available, decimals), spendPerHour: formatAmount(observation.spendPerHour, decimals) };
  const conditions: Condition[] = [];
  if (isNative) conditions.push({ kind: 'GAS_RUNNING_OUT', subject: address, hours, belowFloor: observation.balance < BigInt(settings.chain.guardian.gasLowWei), detail: shown });
  if (asset) {
    const smallest = waiting.get(asset.currency);
    const detail = { currency: asset.currency, ...shown, smallestWaiting: smallest === undefined ? null : formatAmount(smallest, decimals) };
    conditions.push({ kind: 'TOKEN_RUNNING_OUT', subject: `${address} ${asset.currency}`, hours: isNative ? null : hours, belowFloor: smallest !== undefined && available < smallest, detail });
  }
  return conditions;
}
