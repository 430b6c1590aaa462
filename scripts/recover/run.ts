import { setTimeout as sleep } from 'node:timers/promises';
import { listOpenAlerts, resolveAlert } from '../../db/repositories/operations/alerts.ts';
import { isRecovering, RECOVERY_HALT } from '../../db/repositories/payments/books.ts';
import { liftHalt, setHalt } from '../../db/repositories/operations/halts.ts';
import type { RecoverDeps, RecoverOptions } from './deps.ts';
import { execute } from './execute.ts';
import { describePlan, isDone, type Plan } from './plan.ts';
import { survey } from './survey.ts';

/** What `npm run recover` ends with. */
export const RECOVER_EXIT = {
  /** nothing was missing, or everything is restored and the halt is lifted; for a dry run: it could be */
  ok: 0,
  /** something was refused, or the person said no: the halt stands */
  refused: 1,
  usage: 2,
  /** MySQL, Temporal or the chain cannot be asked */
  unavailable: 3,
} as const;

/** What one round restores may show the next what is missing still. */
const ROUNDS_MAX = 5;
/** Others look at the halts once a second, and a signature that began before takes no longer. */
const HALT_SETTLES_MS = 1_500;

/**
 * Recovers: stops everything, looks, shows the plan, carries it out, looks again until nothing is missing, and lifts the
 * halt if nothing was refused. A dry run shows the plan and changes nothing. Called twice, or after it was killed
 * anywhere: it goes on from what it finds.
 */
export async function recover(deps: RecoverDeps, options: RecoverOptions): Promise<number> {
  const { db, print } = deps;
  if (options.dryRun) {
    const plan = await survey(deps, options);
    describePlan(plan).forEach(print);
    return plan.refusals.length > 0 ? RECOVER_EXIT.refused : RECOVER_EXIT.ok;
  }
  const wasHalted = await isRecovering(db);
  await setHalt(db, { ...RECOVERY_HALT, reason: 'a recovery is under way', setBy: 'recover' });
  deps.onStep('halted');
  await sleep(HALT_SETTLES_MS);
  print('Accepting, signing and sending stand still.');

  let plan = await survey(deps, options);
  describePlan(plan).forEach(print);
  if (!isDone(plan) && !(await options.confirm())) {
    if (!wasHalted) await lift(deps);
    print(wasHalted ? 'Nothing was changed; everything still stands still.' : 'Nothing was changed.');
    return RECOVER_EXIT.refused;
  }
  let contradictions: Plan['refusals'] = [];
  for (let round = 1; ; round += 1) {
    contradictions = await execute(deps, plan);
    plan = await survey(deps, options);
    if (isDone(plan) || contradictions.length > 0 || round >= ROUNDS_MAX) break;
    print('');
    describePlan(plan).forEach(print);
  }
  const refusals = [...plan.refusals, ...contradictions];
  if (refusals.length > 0 || !isDone(plan)) {
    print('');
    describePlan({ ...plan, refusals }).forEach(print);
    print('');
    print('Everything still stands still: what is named above must be answered by a person first. Then run this again.');
    return RECOVER_EXIT.refused;
  }
  await lift(deps);
  print('Everything is restored. Accepting, signing and sending go on.');
  print('Withdrawals that were accepted after the backup and had not reached Temporal are not known to anything any more. None of them was signed; a client that repeats its request with the same key is accepted anew.');
  return RECOVER_EXIT.ok;
}

async function lift({ db }: RecoverDeps): Promise<void> {
  await liftHalt(db, RECOVERY_HALT);
  for (const { kind, subject } of await listOpenAlerts(db)) if (kind === 'BOOKS_BEHIND') await resolveAlert(db, kind, subject);
}
