import type { SecondFactorSeal } from '../../db/second-factor-seal.ts';
import type { Settings } from '../../domain/settings.ts';
import type { CredentialsDependencies } from '../auth/credentials.ts';

/** What the routes of the second factor are given. */
export interface SecondFactorRoutes extends Omit<CredentialsDependencies, 'inLine'> {
  seal: SecondFactorSeal;
  settings: Settings;
}
