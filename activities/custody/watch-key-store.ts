import { EngineError } from '../../domain/errors.ts';
import type { Database } from '../../db/client.ts';
import { raiseAlert, resolveAlert } from '../../db/repositories/operations/alerts.ts';
import type { ActivityLog } from '../failure.ts';
import type { Signer } from './signer.ts';

/** What the alert is about: the store is one, whichever wallet's key could not be read. */
export const KEY_STORE = 'key store';

/**
 * A signer that calls a person while the key store is out and what is remembered of it no longer suffices: until then nothing is
 * signed and withdrawals wait. The alert is closed by the next signature of a process that saw the outage, or of one that has just
 * started. Signs, refuses and throws as the signer it is given.
 */
export function watchKeyStore(signer: Signer, { db, chainId, log }: { db: Database; chainId: number; log: ActivityLog }): Signer {
  // A process before this one may have left it open.
  let mayBeOpen = true;

  return {
    async signTransaction(request) {
      try {
        const signed = await signer.signTransaction(request);
        if (mayBeOpen) {
          mayBeOpen = false;
          if (await resolveAlert(db, 'KEY_STORE_UNAVAILABLE', KEY_STORE)) log.info({}, 'the key store answers again: signing goes on');
        }
        return signed;
      } catch (error) {
        if (error instanceof EngineError && error.code === 'KEY_UNAVAILABLE' && error.parameters['reason'] === 'secret-store-unavailable') {
          mayBeOpen = true;
          if (await raiseAlert(db, { kind: 'KEY_STORE_UNAVAILABLE', chainId, subject: KEY_STORE, detail: { wallet: request.address } })) log.error({ wallet: request.address }, 'the key store does not answer: nothing is signed, withdrawals wait');
        }
        throw error;
      }
    },
  };
}
